import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeInbound, encodeTick, type RouteWait, sources, tickKey, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { addMs, type Instant, instantFromMs } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { type Answer, call, expectProblem, goodBody, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let shop: string;
beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start();
  shop = await intake.token('shop');
});
afterAll(() => intake?.stop());

const t0: Instant = instantFromMs(Date.UTC(2026, 10, 26));
let told = 0;

/** The gateway says where it stands, as its ticks do. */
async function gatewaySays(behindMs: number, waits: readonly RouteWait[]): Promise<void> {
  told += 1;
  const marks = [{ partition: 0, time: addMs(t0, told), offset: 1n }];
  const tick = { source: sources.gateway, clock: 'wall', closed: false, marks, behindMs, waits };
  const record = { topic: topics.watermarks.name, partition: 0, key: tickKey(tick.source, tick.clock) };
  await intake.producer.sendBatch([{ ...record, value: Buffer.from(encodeTick(tick)) }]);
}

const body = (more: object = {}) => ({ ...goodBody, reference: randomUUID(), ...more });
const submit = (one: object = body(), key: string = randomUUID()) =>
  post(service, shop, one, { 'idempotency-key': key });

/** Until a submission, a new one each time, is answered so. */
const answered = (status: number, meanwhile: () => Promise<void>): Promise<Answer> =>
  waitFor(
    async () => {
      await meanwhile();
      const answer = await submit();
      return answer.status === status ? answer : null;
    },
    { what: `a submission to be answered ${status}`, intervalMs: 200 },
  );

test('a slip that could not be called in time any more is refused on every way in, until the line is shorter', async () => {
  const [first, key] = [body(), randomUUID()];
  expect((await submit(first, key)).status).toBe(202);
  const draft = await submit(body({ confirm: false }));
  const inLine = () => gatewaySays(500, [{ route: 'default', waitMs: 59_500 }]);
  const refused = await answered(503, inLine);
  expectProblem(refused, 503, 'overloaded');
  expect(refused.body).toMatchObject({ rule: 'wait_too_long', errors: [{ pointer: '/deadline' }] });
  expect(Number(refused.headers.get('retry-after'))).toBe(55);

  // What was accepted stays so, a route without a line takes slips, and so does a deadline that can be met.
  expect(await submit(first, key)).toMatchObject({ status: 202 });
  expect(await submit(body({ route: 'orders' }))).toMatchObject({ status: 202 });
  const later = new Date(Date.now() + 3_600_000).toISOString();
  expect(await submit(body({ deadline: later }))).toMatchObject({ status: 202 });
  const many = await call(
    service,
    shop,
    '/v1/slips:batch',
    { slips: [body(), body({ route: 'orders' })] },
    { 'idempotency-key': randomUUID() },
  );
  expect(many.body).toMatchObject({
    data: [{ status: 503, problem: { rule: 'wait_too_long' } }, { status: 202 }],
  });
  expect((await call(service, shop, '/v1/slips?dry_run=true', body())).body).toMatchObject({
    ...{ would: 'refused', rules: ['wait_too_long'] },
  });
  const confirm = () =>
    call(service, shop, `/v1/slips/${draft.body.id}/confirm`, undefined, { 'idempotency-key': randomUUID() });
  expectProblem(await confirm(), 503, 'overloaded');

  await inLine();
  const reference = randomUUID();
  const { metadata } = goodBody;
  const data = {
    ...{ reference, kind: 'order' as const, account: 'cust-42', counterparty: 'shop-7', metadata },
    ...{ amount: { amount: 1250n, currency: 'EUR' }, route: 'default', deadline: null },
  };
  const head = {
    id: 'cmd-1',
    caller: '/shop',
    clock: 'wall',
    time: null,
    traceparent: '',
    subject: reference,
  };
  await intake.producer.sendBatch([
    {
      ...{ topic: topics.commands.name, key: reference },
      partition: partitionOf(reference, topics.commands.partitions),
      value: Buffer.from(encodeInbound({ ...head, command: { type: 'SubmitSlip', data } })),
    },
  ]);
  const [rejected] = await intake.eventsOf(reference);
  expect(rejected!.event).toMatchObject({
    type: 'SlipRejected',
    data: { rule: 'wait_too_long', field: '/deadline', commandId: 'cmd-1' },
  });

  await answered(202, () => gatewaySays(80, []));
  expect(await confirm()).toMatchObject({ status: 202 });
});

test('of more slips than leave a line some are let in, and the others are sent away for a second', async () => {
  await answered(202, () => gatewaySays(0, []));
  const answers = await waitFor(
    async () => {
      await gatewaySays(0, [{ route: 'default', waitMs: 1_500 }]);
      const all = await Promise.all(Array.from({ length: 40 }, () => submit()));
      return all.some((answer) => answer.body.rule === 'throttled') ? all : null;
    },
    { what: 'a slip of too many to be sent away', intervalMs: 200 },
  );
  const refused = answers.find((answer) => answer.body.rule === 'throttled')!;
  expectProblem(refused, 503, 'overloaded');
  expect(refused.headers.get('retry-after')).toBe('1');
  await answered(202, () => gatewaySays(0, [{ route: 'default', waitMs: 1_500 }]));
  await answered(202, () => gatewaySays(80, []));
});
