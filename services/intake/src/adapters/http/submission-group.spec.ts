import { expect, test } from '@jest/globals';
import { SlipstreamError } from '@slipstream/kernel';
import type { SubmitOutcome, SubmitRequest } from '../../application/submit-requests.ts';
import { SubmissionGroup } from './submission-group.ts';

const request = (key: string) => ({ key }) as SubmitRequest;
const taken: SubmitOutcome = { type: 'reference_taken' };
const inFlight = () => new SlipstreamError('idempotency_in_flight', 'held elsewhere');

test('requests of one turn share a transaction, up to a limit', async () => {
  const batches: number[] = [];
  const submitAll = async (requests: readonly SubmitRequest[]) => {
    batches.push(requests.length);
    return requests.map(() => taken);
  };
  const group = new SubmissionGroup(submitAll, { batchSizeMax: 4 });
  await Promise.all(Array.from({ length: 10 }, (_, i) => group.submit(request(`${i}`))));
  expect(batches).toEqual([4, 4, 2]);
});

test('a key that is held elsewhere does not cost the others of its batch their outcome', async () => {
  const group = new SubmissionGroup(async (requests) => {
    if (requests.some(({ key }) => key === 'held')) throw inFlight();
    return requests.map(() => taken);
  });
  const outcomes = await Promise.all(['a', 'held', 'b'].map((key) => group.submit(request(key))));
  expect(outcomes.map(({ type }) => type)).toEqual(['reference_taken', 'in_flight', 'reference_taken']);
});

test('a database that is away makes the outcome unknown, a bug stays a bug', async () => {
  const failing = (error: Error) => new SubmissionGroup(() => Promise.reject(error)).submit(request('a'));
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  await expect(failing(refused)).rejects.toMatchObject({ code: 'unavailable', cause: refused });
  await expect(failing(new TypeError('bug'))).rejects.toThrow(TypeError);
});

test('waiting is bounded in time and in number', async () => {
  const never = () => new Promise<readonly SubmitOutcome[]>(() => {});
  const group = new SubmissionGroup(never, { batchSizeMax: 1, waitingMax: 1, timeoutMs: 50 });
  const running = group.submit(request('running')).catch((error) => error.code);
  await new Promise((resolve) => setImmediate(resolve));
  const waiting = group.submit(request('waiting')).catch((error) => error.code);
  await expect(group.submit(request('one more'))).rejects.toMatchObject({ code: 'overloaded' });
  expect(await Promise.all([running, waiting])).toEqual(['unavailable', 'unavailable']);
});
