import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeSlipEvent, sources, stampEnvelope, topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { type Instant, instantToMs } from '@slipstream/kernel';
import {
  coreMigrations,
  migrate,
  type OutboundRecord,
  openDataSource,
  prepareTopics,
  UnitOfWork,
} from '@slipstream/postgres';
import { outboundEvent } from '@slipstream/runtime';
import type { PendingEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { DatabaseClock } from '../src/adapters/postgres/database-clock.ts';
import { intakeStore } from '../src/adapters/postgres/intake-store.ts';
import type { IntakeStore, Lines } from '../src/application/ports.ts';
import { noLines } from '../src/application/spec-support.ts';
import {
  type SubmitOutcome,
  type SubmitRequest,
  submitRequests,
  type Unsettled,
} from '../src/application/submit-requests.ts';
import type { RoutePolicy, SubmissionRules } from '../src/domain/submission/decide-submission.ts';

const directory = new URL('../migrations', import.meta.url).pathname;
const route: RoutePolicy = {
  ...{ mode: 'dispatched', provider: 'acme', kinds: ['order'], outcomeDeadlineMs: 5_000, answerMsMax: 0 },
  ...{ overdraft: { order: true, payment: true, payout: false }, quietPeriodMs: 0, inquiryLadderMs: [0] },
  ...{ draftExpiresMs: 60_000, draftRemindBeforeMs: 0, review: null },
};
const rules: SubmissionRules = {
  configDigest: 'c0ffee',
  graceMs: 0,
  payments: [],
  gates: { openOnFirstUse: true, duplicateWindowMs: 0, duplicateReviewMs: null, limits: [] },
  routes: new Map([['default', route]]),
};

const environment = sharedEnvironment();
let unitOfWork: UnitOfWork;
let close: () => Promise<void>;

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'submit_requests');
  const dataSource = await openDataSource({ url, applicationName: 'spec' });
  await migrate(dataSource, [coreMigrations, { scope: 'intake', directory }]);
  unitOfWork = new UnitOfWork(dataSource);
  await prepareTopics(unitOfWork, [topics.events]);
  close = () => dataSource.destroy();
});
afterAll(() => close?.());

let store: IntakeStore;
let lines: Lines;
let monotonicOffMs: number;
beforeEach(async () => {
  monotonicOffMs = 0;
  lines = noLines;
  store = intakeStore(unitOfWork, encode, new DatabaseClock(() => performance.now() + monotonicOffMs));
  await unitOfWork.query('truncate idempotency, slip cascade');
  await unitOfWork.query('delete from outbox');
});

const published = async () => (await unitOfWork.query('select 1 from outbox_event')).length;
const keys = async () =>
  (await unitOfWork.query<{ key: string }>('select key from idempotency order by key')).map(({ key }) => key);

const request = (key: string, reference: string, route = 'default'): SubmitRequest => ({
  ...{ key, digest: Buffer.from(`${reference} ${route}`), isDraft: false, traceparent: null },
  submission: {
    ...{ caller: 'shop', reference, kind: 'order', account: 'a', counterparty: 'b', amount: null },
    ...{ route, deadline: null, metadata: {} },
  },
});

const encode = (event: PendingEvent): OutboundRecord =>
  outboundEvent({ source: sources.intake, newId: randomUUID }, event);
const submit = (...requests: SubmitRequest[]) =>
  submitRequests({ store, rules, lines, newId: randomUUID, partitionOf: () => 0 }, requests, {
    lockWaitMsMax: 5_000,
  });
const types = async (...requests: SubmitRequest[]) => (await submit(...requests)).map(({ type }) => type);
const alone = async (one: SubmitRequest) => accepted((await submit(one))[0]);

/**
 * Another instance has a slip made and its key taken, and commits only when `meanwhile` waits for it; gives what came of that.
 */
async function whileElsewhere<T>(
  taken: { key: string; reference: string },
  meanwhile: () => Promise<T>,
): Promise<T> {
  const waiting = await unitOfWork.run(async (tx) => {
    const { digest } = request(taken.key, taken.reference);
    const [{ pid } = { pid: 0 }] = await tx.query<{ pid: number }>(
      `with slip as (
        insert into slip (slip_id, caller, reference, clock, digest, status, created_at)
        values ($1, 'shop', $2, 'wall', $3, 'submitted', now()))
      insert into idempotency (caller, operation, key, digest, slip_id, event_partition, event_seq, event_at)
      values ('shop', 'submit', $4, $3, $1, 0, 77, '2026-11-22 10:39:00+00') returning pg_backend_pid() as pid`,
      [theirs, taken.reference, digest, taken.key],
    );
    const answer = meanwhile();
    await waitFor(async () => (await unitOfWork.query(waitersSql, [pid])).length > 0, {
      what: 'a wait for it',
    });
    return [answer];
  });
  return waiting[0]!;
}

const theirs = randomUUID();
const waitersSql = 'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))';

function accepted(outcome: SubmitOutcome | Unsettled | undefined) {
  if (outcome?.type !== 'accepted') throw new Error(`the outcome is ${outcome?.type}`);
  return outcome;
}

test('each request of a batch gets its own outcome, in order', async () => {
  await alone(request('0', 'taken'));
  expect(
    await types(request('1', 'a'), request('2', 'taken'), request('3', 'c', 'nowhere'), request('4', 'd')),
  ).toEqual(['accepted', 'reference_taken', 'refused', 'accepted']);
  expect(await published()).toBe(3);
  expect(await keys()).toEqual(['0', '1', '4']);
});

test('a taken reference names the slip that has it', async () => {
  const { slipId } = await alone(request('0', 'taken'));
  expect(await submit(request('1', 'taken'))).toEqual([{ type: 'reference_taken', slipId }]);
});

describe('requests under one key in one batch', () => {
  test('equal ones get one answer, and only the first is no replay', async () => {
    const outcomes = await submit(request('1', 'a'), request('1', 'a'), request('1', 'a'));
    expect(outcomes.map((outcome) => accepted(outcome).replayed)).toEqual([false, true, true]);
    expect(new Set(outcomes.map((outcome) => accepted(outcome).slipId)).size).toBe(1);
    expect(await published()).toBe(1);
  });

  test('equal ones share a refusal', async () => {
    const equal = [request('1', 'a', 'nowhere'), request('1', 'a', 'nowhere')];
    expect(await types(...equal)).toEqual(['refused', 'refused']);
  });

  test('the first decides what the key is for', async () => {
    expect(await types(request('1', 'a'), request('1', 'b'))).toEqual(['accepted', 'key_reused']);
  });

  test('a first that made no slip keeps no key: the other may come again', async () => {
    await alone(request('0', 'taken'));
    expect(await types(request('1', 'a', 'nowhere'), request('1', 'a'))).toEqual(['refused', 'in_flight']);
    expect(await types(request('2', 'taken'), request('2', 'b'))).toEqual(['reference_taken', 'in_flight']);
    expect(await types(request('1', 'a'))).toEqual(['accepted']);
    expect(await types(request('2', 'b'))).toEqual(['accepted']);
  });

  test('each is compared with the one that the key was kept for', async () => {
    const three = () => types(request('1', 'a'), request('1', 'b'), request('1', 'c'));
    expect(await whileElsewhere({ key: '1', reference: 'b' }, three)).toEqual([
      'key_reused',
      'accepted',
      'key_reused',
    ]);
  });
});

describe('a key that another instance takes after the look', () => {
  const position = { partition: 0, seq: 77n, at: '2026-11-22T10:39:00.000000Z' };

  test('for the same request: its answer is repeated', async () => {
    const outcomes = await whileElsewhere({ key: '1', reference: 'a' }, () => submit(request('1', 'a')));
    expect(outcomes).toEqual([
      {
        ...{
          type: 'accepted',
          slipId: theirs,
          reference: 'a',
          status: 'submitted',
          replayed: true,
          position,
        },
        firstSlipId: null,
      },
    ]);
    expect(await published()).toBe(0);
  });

  test('for another request: it is reused, and costs the others nothing', async () => {
    const two = () => types(request('1', 'a'), request('2', 'b'));
    expect(await whileElsewhere({ key: '1', reference: 'z' }, two)).toEqual(['key_reused', 'accepted']);
    expect(await keys()).toEqual(['1', '2']);
    expect(await published()).toBe(1);
    // What was written before the key was found taken is gone.
    expect(await types(request('3', 'a'))).toEqual(['accepted']);
  });

  test('another one with the reference: the key stays free', async () => {
    const outcomes = await whileElsewhere({ key: '9', reference: 'a' }, () => submit(request('1', 'a')));
    expect(outcomes).toEqual([{ type: 'reference_taken', slipId: theirs }]);
    expect(await keys()).toEqual(['9']);
  });
});

test('what was refused before is judged anew, and what was accepted before is not judged at all', async () => {
  const first = await alone(request('1', 'a'));
  const nowhere = { ...request('1', 'a'), submission: request('1', 'a', 'nowhere').submission };
  expect(await submit(nowhere)).toEqual([{ ...first, replayed: true }]);
  expect(await types(request('2', 'b', 'nowhere'))).toEqual(['refused']);
  expect(await types(request('2', 'b'))).toEqual(['accepted']);
});

test('a wait for numbers is nobody’s key: the requests fail together, and none is held elsewhere', async () => {
  await unitOfWork.run(async (holder) => {
    await holder.query('select from sequencer for update');
    const waiting = unitOfWork.run(async (tx) => {
      await tx.query("set local lock_timeout = '50ms'");
      store = intakeStore(
        { append: (_, sql, values) => tx.query(sql, values), query: tx.query.bind(tx) },
        encode,
      );
      return submit(request('1', 'a'), request('2', 'b'));
    });
    await expect(waiting).rejects.toMatchObject({ code: '55P03' });
  });
  expect(await keys()).toEqual([]);
});

test('whoever was let in to the line is not sent away for what became of it meanwhile', async () => {
  lines = { ...noLines, expectedMs: () => 60_000, isThrottled: () => true };
  const inside = { ...request('1', 'a'), hasPlace: true };
  expect(await types(inside, request('2', 'b'))).toEqual(['accepted', 'refused']);
});

describe('the clock that requests are judged by', () => {
  const deadlineOf = async () => {
    const [row] = await unitOfWork.query<{ body: Buffer; at: Instant }>('select body, at from outbox_event');
    const stamp = { sequence: '1', incarnation: '1', time: row!.at, receivedTime: row!.at };
    const { event } = decodeSlipEvent(stampEnvelope(row!.body, stamp));
    return msBetween(row!.at, (event.data as { deadline: Instant }).deadline);
  };
  const msBetween = (from: Instant, to: Instant) => instantToMs(to) - instantToMs(from);

  test.each([
    ['behind', -30_000],
    ['ahead of it', 30_000],
  ])('is the database’s, also where the one here is far %s', async (_, offMs) => {
    await alone(request('0', 'first'));
    await unitOfWork.query('delete from outbox');
    monotonicOffMs = offMs;
    await alone(request('1', 'a'));
    const ms = await deadlineOf();
    expect(ms).toBeLessThanOrEqual(5_000);
    expect(ms).toBeGreaterThan(4_000);
  });
});
