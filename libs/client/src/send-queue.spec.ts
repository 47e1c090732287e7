import { expect, test } from '@jest/globals';
import { type OutRecord, SendFailed } from '@slipstream/kafka';
import { waitFor } from '@slipstream/testing';
import { SendQueue, type SendQueueOptions } from './send-queue.ts';

const record = (key: string): OutRecord => ({ topic: 't', partition: 0, key, value: null });
const away = () => new SendFailed('no broker', true);
const never = () => new SendFailed('no right to the topic', false);

/** A queue whose requests end as `outcomes` say, in turn; then well. */
function queueOf(outcomes: (Error | Promise<void>)[] = [], options: Partial<SendQueueOptions> = {}) {
  const requests: string[][] = [];
  const queue = new SendQueue({
    async sendBatch(records) {
      requests.push(records.map(({ key }) => String(key)));
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      await outcome;
    },
    ...{ timeoutMs: 600_000, retryLimits: { minMs: 1, maxMs: 1 }, ...options },
  });
  return { queue, requests };
}

test('what is called while a request is repeated goes behind it, and together', async () => {
  const gate = Promise.withResolvers<void>();
  const { queue, requests } = queueOf([gate.promise, away()]);
  const first = queue.send([record('a')]);
  await waitFor(() => requests.length === 1, { what: 'the first request' });
  const others = ['b', 'c'].map((key) => queue.send([record(key)]));
  gate.reject(away());
  await Promise.all([first, ...others]);
  expect(requests).toEqual([['a'], ['a'], ['a'], ['b', 'c']]);
});

test('what is called without a pause goes together, and its time begins with the pause', async () => {
  const sinceMs = performance.now();
  const untils: number[] = [];
  const queue = new SendQueue({
    sendBatch: async (records, untilMs) => void untils.push(records.length, untilMs),
    timeoutMs: 1,
  });
  const calls = Array.from({ length: 2_500 }, (_, n) => queue.send([record(`${n}`)]));
  // A process that does nothing else for longer than its own time limit.
  while (performance.now() < sinceMs + 5);
  const calledMs = performance.now();
  await Promise.all(calls);
  expect(untils.filter((_, at) => at % 2 === 0)).toEqual([1_000, 1_000, 500]);
  expect(untils[1]).toBeGreaterThan(calledMs);
});

test('a long call is sent in requests of 1,000, and what was called later is behind all of it', async () => {
  const { queue, requests } = queueOf();
  const long = Array.from({ length: 1_500 }, (_, n) => record(`${n}`));
  await Promise.all([queue.send(long), queue.send([record('behind')])]);
  expect(requests.map(({ length }) => length)).toEqual([1_000, 501]);
  expect(requests.flat()).toEqual([...long.map(({ key }) => key), 'behind']);
});

test('one that can never be sent fails alone, at once', async () => {
  const { queue, requests } = queueOf([never(), Promise.resolve(), never()]);
  const calls = ['good', 'wrong', 'later'].map((key) => queue.send([record(key)]));
  const ended = await Promise.allSettled(calls);
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(requests).toEqual([['good', 'wrong', 'later'], ['good'], ['wrong'], ['later']]);
});

test('of a call that failed nothing more is sent', async () => {
  const { queue, requests } = queueOf([never()]);
  const long = Array.from({ length: 1_500 }, (_, n) => record(`${n}`));
  await expect(queue.send(long)).rejects.toThrow('no right to the topic');
  await queue.send([record('next')]);
  expect(requests.map(({ length }) => length)).toEqual([1_000, 1]);
});

test('those that waited while nothing became durable fail together, not one time limit after the other', async () => {
  const { queue } = queueOf(Array.from({ length: 100_000 }, away), { timeoutMs: 50 });
  const before = performance.now();
  const ended = await Promise.allSettled(
    Array.from({ length: 30 }, (_, n) => queue.send(Array.from({ length: 1_000 }, () => record(`${n}`)))),
  );
  expect(ended.filter(({ status }) => status === 'rejected').length).toBe(30);
  expect(performance.now() - before).toBeLessThan(30 * 50);
});

test('more than it holds is refused, and may be tried again', async () => {
  const gate = Promise.withResolvers<void>();
  const { queue } = queueOf([gate.promise], { waitingMax: 2 });
  const taken = [queue.send([record('a')]), queue.send([record('b')])];
  await expect(queue.send([record('c')])).rejects.toMatchObject({ name: 'SendFailed', retryable: true });
  gate.resolve();
  await Promise.all(taken);
  await queue.send([record('c')]);
});

test('stopped, it sends what it took and takes nothing more', async () => {
  const gate = Promise.withResolvers<void>();
  const { queue, requests } = queueOf([gate.promise]);
  const taken = queue.send([record('a')]);
  const stopped = queue.stop();
  await expect(queue.send([record('b')])).rejects.toMatchObject({ name: 'SendFailed', retryable: false });
  gate.resolve();
  await Promise.all([taken, stopped]);
  await waitFor(() => requests.length === 1, { what: 'the request' });
});
