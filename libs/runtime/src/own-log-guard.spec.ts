import { afterEach, expect, test } from '@jest/globals';
import { sources, topics } from '@slipstream/contracts';
import type { OwnRecord, OwnTail, SequencerState, Tx } from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { OwnLogGate } from './own-log-gate.ts';
import { OwnLogGuard, type Recovery } from './own-log-guard.ts';

const topic = { ...topics.events, partitions: 2 };
const events = topic.name;
const own = (sequence: number): OwnRecord => ({
  sequence,
  incarnation: 1,
  offset: sequence,
  time: '2026-11-22T10:00:00.000000Z',
  digest: `${sequence}`,
});

let running: OwnLogGuard | undefined;
afterEach(() => running?.stop());

/** Two partitions, each with number 1 sent and known; what the topic has behind the cursor can be put. */
function world() {
  const state = (): SequencerState => ({
    incarnation: 1,
    nextSeq: 2,
    sentSeq: 1,
    endOffset: 2,
    topicId: null,
    digests: new Map([[1, '1']]),
  });
  const states = [state(), state()];
  const tails: OwnTail[] = [
    { records: [], logEnd: 9, topicId: 'one' },
    { records: [], logEnd: 9, topicId: 'one' },
  ];
  const steps: string[] = [];
  const closed: string[] = [];
  const errors: unknown[] = [];
  let reading = async (): Promise<void> => {};
  let moving = (): void => {};
  const gate = new OwnLogGate([topic]);
  const guard = new OwnLogGuard({
    source: sources.gateway,
    topics: [topic],
    gate,
    run: (work) => work({} as Tx),
    settled: async () => void steps.push('settled'),
    onError: (error) => errors.push(error),
    onClosed: (why) => closed.push(why),
    onOpen: () => steps.push('open'),
    retryMs: 1,
    tails: async (_, from) => {
      steps.push(`read ${[...from.keys()]}`);
      // What is read is what the topic held when the reading began.
      const read = new Map([...from.keys()].map((partition) => [partition, tails[partition]!]));
      await reading();
      return read;
    },
    log: {
      cursors: async () => new Map(states.map(({ endOffset }, partition) => [partition, endOffset])),
      state: async (_, partition) => states[partition]!,
      async keepTopic({ partition }, topicId) {
        states[partition] = { ...states[partition]!, topicId };
      },
      async moveCursor({ partition }, seen, { sentSeq, endOffset }) {
        moving();
        steps.push(`move ${partition} from ${seen} to ${sentSeq} before ${endOffset}`);
      },
      async beginIncarnation(_, { partition }, __, { lastSeq, endOffset }) {
        steps.push(`begin ${partition} behind ${lastSeq}`);
        states[partition] = { ...state(), incarnation: 2, nextSeq: lastSeq + 1, sentSeq: lastSeq, endOffset };
        tails[partition] = { records: [], logEnd: 9, topicId: 'one' };
        return true;
      },
    },
  });
  running = guard;
  return {
    guard,
    gate,
    states,
    tails,
    steps,
    closed,
    errors,
    during: (work: typeof reading) => (reading = work),
    whileMoving: (work: typeof moving) => (moving = work),
  };
}

const unavailable = expect.objectContaining({ code: 'unavailable' });

test('nothing may be done before the comparison, which waits for what is on its way', async () => {
  const { guard, gate, steps } = world();
  expect(() => gate.require(events, 0)).toThrow(unavailable);
  expect(() => gate.requireAll()).toThrow(unavailable);
  expect(guard.health()).toMatchObject({ ok: false });
  gate.require('slips.events.v1.dlq', 0);
  await guard.start();
  gate.requireAll();
  expect(guard.health()).toEqual({ ok: true });
  expect(steps).toEqual(['settled', 'read 0,1', 'open']);
});

test('a database older than its log takes and sends nothing and says so once, until it is put right', async () => {
  const { guard, gate, tails, states, closed, steps } = world();
  tails[1] = { records: [own(2), own(3)], logEnd: 9, topicId: 'one' };
  await guard.start();
  gate.require(events, 0);
  expect(() => gate.require(events, 1)).toThrow(unavailable);
  expect(() => gate.requireAll()).toThrow(unavailable);
  expect(gate.isOlder(events, 1)).toBe(true);
  expect(guard.health().detail).toMatch(
    /partition 1: the topic has number 2 .* older than the log of .*Put back a copy .*runbooks\/service-older/,
  );
  expect(gate.closed()).toEqual([{ topic: events, partition: 1 }]);
  states[1] = { ...states[1]!, nextSeq: 4, digests: new Map([1, 2, 3].map((n) => [n, `${n}`])) };
  await waitFor(() => gate.isAllOpen, { what: 'the partition to open' });
  expect(steps.filter((step) => step.startsWith('move'))).toEqual(['move 1 from 1 to 3 before 4']);
  expect(closed).toHaveLength(1);
});

test('a service that can recover folds its log back, and opens behind a new incarnation', async () => {
  const { guard, gate, tails, steps } = world();
  tails[0] = { records: [own(2), own(3)], logEnd: 9, topicId: 'one' };
  const folds: string[] = [];
  const recovery: Recovery = {
    async foldBack(partition, { endOffset }) {
      folds.push(`${partition} to ${endOffset}`);
      expect(() => gate.require(events, 0)).toThrow(unavailable);
      return folds.length === 3;
    },
    async folded(_, partition) {
      steps.push(`folded ${partition}`);
    },
  };
  guard.recoverWith(events, recovery);
  await guard.start();
  gate.require(events, 1);
  await waitFor(() => gate.isAllOpen, { what: 'the partition to open' });
  expect(folds).toEqual(['0 to 4', '0 to 4', '0 to 4']);
  expect(steps.filter((step) => /begin|folded/.test(step))).toEqual(['begin 0 behind 3', 'folded 0']);
});

test('another server closes everything at once, and what was read of the one before counts for nothing', async () => {
  const { guard, gate, tails, during } = world();
  await guard.start();
  let isFirst = true;
  during(async () => {
    if (!isFirst) return;
    isFirst = false;
    // While this answer is on its way the server changes, and the new one lacks commits.
    gate.doubt();
    tails[0] = { records: [own(2)], logEnd: 9, topicId: 'one' };
  });
  gate.doubt();
  expect(() => gate.require(events, 0)).toThrow(unavailable);
  await waitFor(() => gate.isOlder(events, 0) && gate.isOpen(events, 1), {
    what: 'the second comparison',
  });
});

test('a server that changes while a cursor is moved opens nothing by that', async () => {
  const { guard, gate, tails, states, whileMoving } = world();
  tails[1] = { records: [own(2)], logEnd: 9, topicId: 'one' };
  states[1] = { ...states[1]!, nextSeq: 3, digests: new Map([1, 2].map((n) => [n, `${n}`])) };
  whileMoving(() => {
    states[1] = { ...states[0]! };
    gate.doubt();
  });
  await guard.start();
  expect(gate.isOpen(events, 1)).toBe(false);
  await waitFor(() => gate.isOlder(events, 1), { what: 'the comparison with the new server' });
});

test('a log that ends before the cursor is not written to', async () => {
  const { guard, gate, tails } = world();
  tails[0] = { records: [], logEnd: 1, topicId: 'one' };
  await guard.start();
  expect(guard.health().detail).toMatch(/partition 0: the topic ends at 1.*records of the topic were lost/);
  expect(gate.isOlder(events, 0)).toBe(false);
});

test('a database of other brokers takes and sends nothing, and is not folded back', async () => {
  const { guard, gate, tails, steps } = world();
  await guard.start();
  guard.recoverWith(events, { foldBack: async () => true, folded: async () => {} });
  tails[0] = { records: [own(2), own(3)], logEnd: 9, topicId: 'other' };
  gate.doubt();
  await waitFor(
    () => gate.isOpen(events, 1) && !gate.isOpen(events, 0) && guard.health().detail?.includes('id'),
    {
      what: 'the second comparison',
    },
  );
  expect(guard.health().detail).toMatch(
    /partition 0: number 1 was sent to the topic of id one, and this one has id other: .*another environment's copy/,
  );
  expect(gate.isOlder(events, 0)).toBe(false);
  expect(steps.filter((step) => step.startsWith('begin'))).toEqual([]);
});

test('a comparison that fails is made again', async () => {
  const { guard, gate, errors, during } = world();
  during(async () => {
    if (errors.length < 2) throw new Error('no broker');
  });
  await guard.start();
  expect(gate.isAllOpen).toBe(false);
  await waitFor(() => gate.isAllOpen, { what: 'the comparison' });
  expect(errors).toHaveLength(2);
});
