import { afterEach, expect, test } from '@jest/globals';
import { sources, topics } from '@slipstream/contracts';
import type { OwnRecord, OwnTail, SequencerState, Tx } from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
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

let guard: OwnLogGuard | undefined;
afterEach(() => guard?.stop());

/** Two partitions, each with number 1 sent and known; what the topic has behind the cursor can be put. */
function world() {
  const state = (): SequencerState => ({
    incarnation: 1,
    nextSeq: 2,
    sentSeq: 1,
    endOffset: 2,
    digests: new Map([[1, '1']]),
  });
  const states = [state(), state()];
  const tails: OwnTail[] = [
    { records: [], logEnd: 9 },
    { records: [], logEnd: 9 },
  ];
  const steps: string[] = [];
  const closed: string[] = [];
  const errors: unknown[] = [];
  let reading = async (): Promise<void> => {};
  const made = new OwnLogGuard({
    source: sources.gateway,
    topics: [topic],
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
      async moveCursor({ partition }, seen, { sentSeq, endOffset }) {
        steps.push(`move ${partition} from ${seen} to ${sentSeq} before ${endOffset}`);
      },
      async beginIncarnation(_, { partition }, __, { lastSeq, endOffset }) {
        steps.push(`begin ${partition} behind ${lastSeq}`);
        states[partition] = { ...state(), incarnation: 2, nextSeq: lastSeq + 1, sentSeq: lastSeq, endOffset };
        tails[partition] = { records: [], logEnd: 9 };
        return true;
      },
    },
  });
  guard = made;
  return {
    guard: made,
    states,
    tails,
    steps,
    closed,
    errors,
    during: (work: typeof reading) => (reading = work),
  };
}

const unavailable = expect.objectContaining({ code: 'unavailable' });

test('nothing may be done before the comparison, which waits for what is on its way', async () => {
  const { guard, steps } = world();
  expect(() => guard.require(events, 0)).toThrow(unavailable);
  expect(() => guard.requireAll()).toThrow(unavailable);
  expect(guard.health()).toMatchObject({ ok: false });
  guard.require('slips.events.v1.dlq', 0);
  await guard.start();
  guard.requireAll();
  expect(guard.health()).toEqual({ ok: true });
  expect(steps).toEqual(['settled', 'read 0,1', 'open']);
});

test('a database older than its log takes and sends nothing and says so once, until it is put right', async () => {
  const { guard, tails, states, closed, steps } = world();
  tails[1] = { records: [own(2), own(3)], logEnd: 9 };
  await guard.start();
  guard.require(events, 0);
  expect(() => guard.require(events, 1)).toThrow(unavailable);
  expect(() => guard.requireAll()).toThrow(unavailable);
  expect(guard.isOlder(events, 1)).toBe(true);
  expect(guard.health().detail).toMatch(
    /partition 1: the topic has number 2 .* older than the log of .*Put back a copy .*runbooks\/service-older/,
  );
  expect(guard.closed()).toEqual([{ topic: events, partition: 1 }]);
  states[1] = { ...states[1]!, nextSeq: 4, digests: new Map([1, 2, 3].map((n) => [n, `${n}`])) };
  await waitFor(() => guard.isAllOpen, { what: 'the partition to open' });
  expect(steps.filter((step) => step.startsWith('move'))).toEqual(['move 1 from 1 to 3 before 4']);
  expect(closed).toHaveLength(1);
});

test('a service that can recover folds its log back, and opens behind a new incarnation', async () => {
  const { guard, tails, steps } = world();
  tails[0] = { records: [own(2), own(3)], logEnd: 9 };
  const folds: string[] = [];
  const recovery: Recovery = {
    async foldBack(partition, endOffset) {
      folds.push(`${partition} to ${endOffset}`);
      expect(() => guard.require(events, 0)).toThrow(unavailable);
      return folds.length === 3;
    },
    async folded(_, partition) {
      steps.push(`folded ${partition}`);
    },
  };
  guard.recovery = recovery;
  await guard.start();
  guard.require(events, 1);
  await waitFor(() => guard.isAllOpen, { what: 'the partition to open' });
  expect(folds).toEqual(['0 to 4', '0 to 4', '0 to 4']);
  expect(steps.filter((step) => /begin|folded/.test(step))).toEqual(['begin 0 behind 3', 'folded 0']);
});

test('another server closes everything at once, and what was read of the one before counts for nothing', async () => {
  const { guard, tails, during } = world();
  await guard.start();
  let isFirst = true;
  during(async () => {
    if (!isFirst) return;
    isFirst = false;
    // While this answer is on its way the server changes, and the new one lacks commits.
    guard.doubt();
    tails[0] = { records: [own(2)], logEnd: 9 };
  });
  guard.doubt();
  expect(() => guard.require(events, 0)).toThrow(unavailable);
  await waitFor(() => guard.isOlder(events, 0) && guard.isOpen(events, 1), {
    what: 'the second comparison',
  });
});

test('a log that ends before the cursor is not written to', async () => {
  const { guard, tails } = world();
  tails[0] = { records: [], logEnd: 1 };
  await guard.start();
  expect(guard.health().detail).toMatch(/partition 0: the topic ends at 1.*records of the topic were lost/);
  expect(guard.isOlder(events, 0)).toBe(false);
});

test('a comparison that fails is made again', async () => {
  const { guard, errors, during } = world();
  during(async () => {
    if (errors.length < 2) throw new Error('no broker');
  });
  await guard.start();
  expect(guard.isAllOpen).toBe(false);
  await waitFor(() => guard.isAllOpen, { what: 'the comparison' });
  expect(errors).toHaveLength(2);
});
