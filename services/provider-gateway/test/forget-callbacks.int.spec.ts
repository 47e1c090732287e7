import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { Plans } from '@slipstream/testing';
import {
  type CallbackPlace,
  forgetCallbacks,
  forgetsCallbacks,
} from '../src/adapters/postgres/forget-callbacks.ts';
import type { Providers } from '../src/application/ports.ts';
import { type ReceivedCallback, receiveCallbacks } from '../src/application/receive-callbacks.ts';
import { final, pending } from '../src/domain/dispatch/spec-support.ts';
import { Harness } from './support/harness.ts';

const environment = sharedEnvironment();
let gateway: Harness;
beforeAll(async () => {
  gateway = await Harness.open(environment().databaseUrl);
}, 120_000);
afterAll(() => gateway?.stop());
beforeEach(() => gateway.unitOfWork.query('truncate callback, dispatch'));

const dispatchSql = `
insert into dispatch (slip_id, partition, clock, caller, reference, kind, account, counterparty, amount, currency, route, mode, provider,
  deadline, policy, traceparent, status, attempt, not_after, sent_maybe, acknowledged, closed_for_dispatch, outcome, refunded, seen_results)
select id, 3, 'wall', 'shop', id, 'order', 'cust-42', 'shop-7', 1250, 'EUR', 'default', 'dispatched', 'acme', now(),
  '{"graceMs":0,"quietPeriodMs":300,"inquiryLadderMs":[0]}', '', 'unanswered', 1, now(), true, false, false, outcome, refunded, '{}'
from json_to_recordset($1) as r(id text, outcome text, refunded bool)`;
const callbackSql = `
insert into callback (provider, webhook_id, slip_id, received_at, body, handled)
select 'acme', id, slip, now() - age::interval, 'said', handled from json_to_recordset($1) as r(id text, slip text, age text, handled text)`;

const query = <Row>(sql: string, rows: readonly object[]) =>
  gateway.unitOfWork.query<Row>(sql, [JSON.stringify(rows)]);
const left = async () =>
  (
    await gateway.unitOfWork.query<{ id: string }>(
      'select webhook_id as id from callback order by webhook_id',
    )
  ).map(({ id }) => id);
const slips = [
  { id: 'ended', outcome: 'succeeded', refunded: false },
  { id: 'given back', outcome: null, refunded: true },
  { id: 'open', outcome: null, refunded: false },
];
const old = { slip: 'ended', age: '91 days', handled: 'recorded' };

test('what was handled leaves after 90 days when its slip has ended; what people look at stays', async () => {
  await query(dispatchSql, slips);
  await query(callbackSql, [
    ...['recorded', 'repeated', 'contradiction', 'doubtful'].map((handled) => ({
      ...old,
      id: handled,
      handled,
    })),
    { ...old, id: 'of one given back', slip: 'given back' },
    { ...old, id: 'of an open one', slip: 'open' },
    { ...old, id: 'of an unknown one', slip: 'nobody' },
    { ...old, id: 'orphan', handled: 'orphan' },
    { ...old, id: 'stored', handled: 'stored' },
    { ...old, id: 'unreadable', slip: '', handled: 'unreadable' },
    { ...old, id: 'young', age: '89 days' },
  ]);
  expect(await forgetCallbacks(gateway.unitOfWork)).toBeNull();
  expect(await left()).toEqual([
    'of an open one',
    'of an unknown one',
    'orphan',
    'stored',
    'unreadable',
    'young',
  ]);
});

test('pages go on behind what stays, and a sweep begins anew behind the last', async () => {
  await query(dispatchSql, slips);
  const rows = Array.from({ length: 25 }, (_, n) => ({
    ...{ ...old, id: `wh-${10 + n}`, slip: n < 15 ? 'open' : 'ended', age: '100 days' },
  }));
  await query(callbackSql, rows);
  let pages = 0;
  for (let after: CallbackPlace | null | undefined; after !== null; pages++)
    after = await forgetCallbacks(gateway.unitOfWork, after, 4);
  expect(pages).toBe(7);
  expect(await left()).toEqual(rows.slice(0, 15).map(({ id }) => id));
  const round = forgetsCallbacks(gateway.unitOfWork);
  expect(await round()).toBe(3_600_000);
  await gateway.unitOfWork.query(`update dispatch set refunded = true where slip_id = 'open'`);
  expect(await round()).toBe(3_600_000);
  expect(await left()).toEqual([]);
});

test('two instances at once do not wait for each other, nor for one that is sent again', async () => {
  await query(dispatchSql, slips);
  await query(callbackSql, [
    { ...old, id: 'held' },
    { ...old, id: 'free' },
  ]);
  await gateway.unitOfWork.run(async (tx) => {
    await tx.query(`select 1 from callback where webhook_id = 'held' for update`);
    await forgetCallbacks(gateway.unitOfWork);
    expect(await left()).toEqual(['held']);
  });
  await Promise.all([forgetCallbacks(gateway.unitOfWork), forgetCallbacks(gateway.unitOfWork)]);
  expect(await left()).toEqual([]);
});

test('a page looks at as much as it drops, and while nothing is old at nothing', async () => {
  await gateway.unitOfWork.query(
    `insert into callback (provider, webhook_id, slip_id, received_at, body, handled)
     select 'acme', 'wh-' || n, 's-' || n, now() - n * interval '1 hour', 'said', 'recorded' from generate_series(1, 20000) n`,
  );
  await query(
    dispatchSql,
    Array.from({ length: 6_000 }, (_, n) => ({ id: `s-${14_001 + n}`, outcome: 'failed', refunded: true })),
  );
  await gateway.unitOfWork.query('analyze callback, dispatch');
  const plans = new Plans();
  const watched = plans.watched(gateway.unitOfWork);
  const scans = await plans.scansOf(() => forgetCallbacks(watched, undefined, 100));
  const read = scans.filter(({ table }) => ['callback', 'dispatch'].includes(table));
  expect(read.length).toBeGreaterThanOrEqual(3);
  expect(read.filter(({ by, rows }) => by === 'Seq Scan' || rows > 100)).toEqual([]);
  await gateway.unitOfWork.query(
    `update callback set received_at = now() where received_at < now() - interval '80 days'`,
  );
  const idle = await plans.scansOf(() => forgetCallbacks(watched, undefined, 100));
  expect(idle.filter(({ rows }) => rows > 0)).toEqual([]);
});

test('one that comes again after it has left is only said once more: nothing is told, and no money moves', async () => {
  await query(dispatchSql, [{ id: 'slip', outcome: null, refunded: false }]);
  const providers: Providers = new Map();
  const receive = (webhookId: string, message: ReceivedCallback['message']) =>
    receiveCallbacks({ store: gateway.store, providers, count: gateway.count }, [
      { provider: 'acme', webhookId, body: Buffer.from(JSON.stringify(message)), message },
    ]);
  const said = { slipId: 'slip', answer: final('succeeded') };
  const taken = { slipId: 'slip', answer: pending };
  expect(await receive('taken', taken)).toEqual(['recorded']);
  expect(await receive('said', said)).toEqual(['recorded']);
  await gateway.unitOfWork.query(`update callback set received_at = now() - interval '91 days'`);
  await forgetCallbacks(gateway.unitOfWork);
  expect(await left()).toEqual([]);
  const before = [await gateway.types('slip'), await gateway.row('slip')];
  expect(await receive('said', said)).toEqual(['repeated']);
  expect(await receive('taken', taken)).toEqual(['repeated']);
  expect(await receive('said', said)).toEqual(['replayed']);
  expect([await gateway.types('slip'), await gateway.row('slip')]).toEqual(before);
  expect(before[0]).toEqual(['SlipAcknowledged', 'SlipReturned']);
});
