import { beforeEach, describe, expect, test } from '@jest/globals';
import type { PendingEvent } from '@slipstream/slip';
import type { SubmissionRules } from '../domain/submission/decide-submission.ts';
import type { EarlierUse, IntakeStore, IntakeTx } from './ports.ts';
import { type SubmitRequest, submitRequests } from './submit-requests.ts';

const rules: SubmissionRules = {
  configDigest: 'c0ffee',
  graceMs: 0,
  routes: new Map([
    [
      'default',
      {
        mode: 'dispatched',
        provider: 'acme',
        kinds: ['order'],
        outcomeDeadlineMs: 5_000,
        answerMsMax: 0,
        overdraft: false,
        quietPeriodMs: 0,
        inquiryLadderMs: [0],
      },
    ],
  ]),
};

const request = (key: string, reference: string, route = 'default'): SubmitRequest => ({
  key,
  digest: Buffer.from(`${reference} ${route}`),
  traceparent: null,
  submission: {
    caller: 'shop',
    reference,
    kind: 'order',
    account: 'a',
    counterparty: 'b',
    amount: null,
    route,
    deadline: null,
    metadata: {},
  },
});

/** What another instance does between our look and our claim; the database would show it the same way. */
let elsewhere: { claims: Map<string, EarlierUse | null>; references: Set<string> };
let published: PendingEvent[];
let released: string[];
beforeEach(() => {
  elsewhere = { claims: new Map(), references: new Set() };
  published = [];
  released = [];
});

const store: IntakeStore = {
  async run(work) {
    let looks = 0;
    const tx: Partial<IntakeTx> = {
      async lookUp(keys) {
        const first = looks++ === 0;
        const answers = keys.map(({ key }) => (first ? null : (elsewhere.claims.get(key) ?? null)));
        return { now: '2026-11-22T10:39:00.000000Z', answers };
      },
      claimKeys: async (claims) =>
        new Set(claims.filter(({ key }) => !elsewhere.claims.has(key)).map(({ slipId }) => slipId)),
      insertSlips: async (slips) =>
        new Set(
          slips.filter((slip) => !elsewhere.references.has(slip.reference)).map(({ slipId }) => slipId),
        ),
      slipsOf: async (references) => references.map(({ reference }) => `slip-of-${reference}`),
      releaseKeys: async (slipIds) => void released.push(...slipIds),
      publish: (events) => void published.push(...events),
    };
    const result = await work(tx as IntakeTx);
    const at = '2026-11-22T10:39:00.000001Z';
    return {
      result,
      positions: new Map(
        published.map(({ slipId }, index) => [slipId, { partition: 0, seq: BigInt(index + 1), at }]),
      ),
    };
  },
};

let ids = 0;
const submit = (...requests: SubmitRequest[]) =>
  submitRequests({ store, rules, newId: () => `id-${++ids}`, partitionOf: () => 0 }, requests);
const types = async (...requests: SubmitRequest[]) => (await submit(...requests)).map(({ type }) => type);

test('each request of a batch gets its own outcome, in order', async () => {
  elsewhere.references.add('taken');
  expect(
    await types(request('1', 'a'), request('2', 'taken'), request('3', 'c', 'nowhere'), request('4', 'd')),
  ).toEqual(['accepted', 'reference_taken', 'refused', 'accepted']);
  expect(published).toHaveLength(2);
  expect(released).toHaveLength(1);
});

test('a taken reference names the slip that has it', async () => {
  elsewhere.references.add('taken');
  expect(await submit(request('1', 'taken'))).toEqual([{ type: 'reference_taken', slipId: 'slip-of-taken' }]);
});

describe('requests under one key in one batch', () => {
  test('equal ones get one answer, and only the first is no replay', async () => {
    const outcomes = await submit(request('1', 'a'), request('1', 'a'), request('1', 'a'));
    expect(outcomes.map((outcome) => outcome.type === 'accepted' && outcome.replayed)).toEqual([
      false,
      true,
      true,
    ]);
    expect(new Set(outcomes.map((outcome) => outcome.type === 'accepted' && outcome.slipId)).size).toBe(1);
    expect(published).toHaveLength(1);
  });
  test('equal ones share a refusal', async () => {
    expect(await types(request('1', 'a', 'nowhere'), request('1', 'a', 'nowhere'))).toEqual([
      'refused',
      'refused',
    ]);
  });
  test('the first decides what the key is for', async () => {
    expect(await types(request('1', 'a'), request('1', 'b'))).toEqual(['accepted', 'key_reused']);
  });
  test('a first that made no slip keeps no key: the other may come again', async () => {
    elsewhere.references.add('taken');
    elsewhere.claims.set('3', null);
    expect(await types(request('1', 'a', 'nowhere'), request('1', 'a'))).toEqual(['refused', 'in_flight']);
    expect(await types(request('2', 'taken'), request('2', 'b'))).toEqual(['reference_taken', 'in_flight']);
    expect(await types(request('3', 'c'), request('3', 'd'))).toEqual(['in_flight', 'in_flight']);
    expect(await types(request('1', 'a'))).toEqual(['accepted']);
  });
  test('each is compared with the one that the key was kept for', async () => {
    const position = { partition: 7, seq: 42n, at: '2026-11-22T10:38:59.000000Z' };
    elsewhere.claims.set('1', { digest: request('1', 'b').digest, slipId: 'theirs', position });
    expect(await types(request('1', 'a'), request('1', 'b'), request('1', 'c'))).toEqual([
      'key_reused',
      'accepted',
      'key_reused',
    ]);
  });
});

describe('a key that another instance takes after the look', () => {
  const position = { partition: 7, seq: 42n, at: '2026-11-22T10:38:59.000000Z' };
  test('for the same request: its answer is repeated', async () => {
    elsewhere.claims.set('1', { digest: request('1', 'a').digest, slipId: 'theirs', position });
    expect(await submit(request('1', 'a'))).toEqual([
      { type: 'accepted', slipId: 'theirs', reference: 'a', position, replayed: true },
    ]);
    expect(published).toHaveLength(0);
  });
  test('for another request: it is reused', async () => {
    elsewhere.claims.set('1', { digest: Buffer.from('other'), slipId: 'theirs', position });
    expect(await types(request('1', 'a'), request('2', 'b'))).toEqual(['key_reused', 'accepted']);
  });
  test('and gives back in the same moment: nobody knows yet', async () => {
    elsewhere.claims.set('1', null);
    expect(await types(request('1', 'a'))).toEqual(['in_flight']);
  });
});
