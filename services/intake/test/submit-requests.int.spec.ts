import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sources, topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
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
import { intakeStore } from '../src/adapters/postgres/intake-store.ts';
import type { IntakeStore } from '../src/application/ports.ts';
import {
  type SubmitOutcome,
  type SubmitRequest,
  submitRequests,
} from '../src/application/submit-requests.ts';
import type { RoutePolicy, SubmissionRules } from '../src/domain/submission/decide-submission.ts';

const directory = new URL('../migrations', import.meta.url).pathname;
const route: RoutePolicy = {
  ...{ mode: 'dispatched', provider: 'acme', kinds: ['order'], outcomeDeadlineMs: 5_000, answerMsMax: 0 },
  ...{ overdraft: false, quietPeriodMs: 0, inquiryLadderMs: [0] },
};
const rules: SubmissionRules = {
  configDigest: 'c0ffee',
  graceMs: 0,
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

/** What another instance does after our look, and after our claims; it commits before we go on. */
let afterLook: () => Promise<unknown>;
let afterClaim: () => Promise<unknown>;
const nothing = async () => {};
beforeEach(async () => {
  afterLook = nothing;
  afterClaim = nothing;
  await unitOfWork.query('truncate idempotency, slip cascade');
  await unitOfWork.query('delete from outbox');
});

const published = async () => (await unitOfWork.query('select 1 from outbox')).length;
const keys = async () =>
  (await unitOfWork.query<{ key: string }>('select key from idempotency order by key')).map(({ key }) => key);

const request = (key: string, reference: string, route = 'default'): SubmitRequest => ({
  ...{ key, digest: Buffer.from(`${reference} ${route}`), traceparent: null },
  submission: {
    ...{ caller: 'shop', reference, kind: 'order', account: 'a', counterparty: 'b', amount: null },
    ...{ route, deadline: null, metadata: {} },
  },
});

const encode = (event: PendingEvent): OutboundRecord =>
  outboundEvent({ source: sources.intake, newId: randomUUID }, event);
const own = (): IntakeStore => intakeStore(unitOfWork, encode);

/** As it is, but another instance comes between. */
function watched(): IntakeStore {
  const store = own();
  return {
    run: (work, limits) =>
      store.run(
        (tx) =>
          work({
            ...tx,
            async lookUp(keys) {
              const found = await tx.lookUp(keys);
              const once = afterLook;
              afterLook = nothing;
              await once();
              return found;
            },
            async claimKeys(claims) {
              const taken = await tx.claimKeys(claims);
              await afterClaim();
              return taken;
            },
          }),
        limits,
      ),
  };
}

const by = (store: IntakeStore, requests: readonly SubmitRequest[]) =>
  submitRequests({ store, rules, newId: randomUUID, partitionOf: () => 0 }, requests);
const submit = (...requests: SubmitRequest[]) => by(watched(), requests);
const elsewhere = async (...requests: SubmitRequest[]) => accepted((await by(own(), requests))[0]);
const types = async (...requests: SubmitRequest[]) => (await submit(...requests)).map(({ type }) => type);

function accepted(outcome: SubmitOutcome | undefined) {
  if (outcome?.type !== 'accepted') throw new Error(`the outcome is ${outcome?.type}`);
  return outcome;
}

test('each request of a batch gets its own outcome, in order', async () => {
  await elsewhere(request('0', 'taken'));
  expect(
    await types(request('1', 'a'), request('2', 'taken'), request('3', 'c', 'nowhere'), request('4', 'd')),
  ).toEqual(['accepted', 'reference_taken', 'refused', 'accepted']);
  expect(await published()).toBe(3);
  expect(await keys()).toEqual(['0', '1', '4']);
});

test('a taken reference names the slip that has it', async () => {
  const { slipId } = await elsewhere(request('0', 'taken'));
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
    await elsewhere(request('0', 'taken'));
    expect(await types(request('1', 'a', 'nowhere'), request('1', 'a'))).toEqual(['refused', 'in_flight']);
    expect(await types(request('2', 'taken'), request('2', 'b'))).toEqual(['reference_taken', 'in_flight']);
    expect(await types(request('1', 'a'))).toEqual(['accepted']);
    expect(await types(request('2', 'b'))).toEqual(['accepted']);
  });

  test('each is compared with the one that the key was kept for', async () => {
    afterLook = () => elsewhere(request('1', 'b'));
    expect(await types(request('1', 'a'), request('1', 'b'), request('1', 'c'))).toEqual([
      'key_reused',
      'accepted',
      'key_reused',
    ]);
  });
});

describe('a key that another instance takes after the look', () => {
  test('for the same request: its answer is repeated', async () => {
    let theirs: ReturnType<typeof accepted> | undefined;
    afterLook = async () => {
      theirs = await elsewhere(request('1', 'a'));
    };
    const [outcome] = await submit(request('1', 'a'));
    const { slipId, position } = theirs!;
    const { partition, seq, at } = position;
    expect(outcome).toEqual({
      ...{ type: 'accepted', slipId, reference: 'a', replayed: true },
      position: { partition, seq, at },
    });
    expect(await published()).toBe(1);
  });

  test('for another request: it is reused', async () => {
    afterLook = () => elsewhere(request('1', 'z'));
    expect(await types(request('1', 'a'), request('2', 'b'))).toEqual(['key_reused', 'accepted']);
  });

  test('and gives back in the same moment: nobody knows yet, for any request of the batch', async () => {
    afterLook = () => elsewhere(request('3', 'c'));
    afterClaim = () => unitOfWork.query("delete from idempotency where key = '3'");
    expect(await types(request('3', 'd'), request('3', 'e'))).toEqual(['in_flight', 'in_flight']);
  });

  test('with the reference: the key is given back', async () => {
    afterLook = () => elsewhere(request('9', 'a'));
    expect(await types(request('1', 'a'))).toEqual(['reference_taken']);
    expect(await keys()).toEqual(['9']);
  });
});
