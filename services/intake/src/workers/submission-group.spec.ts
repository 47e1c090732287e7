import { expect, test } from '@jest/globals';
import { waitFor } from '@slipstream/testing';
import { HeldElsewhere } from '../application/ports.ts';
import type { SubmitOutcome, SubmitRequest } from '../application/submit-requests.ts';
import { SubmissionGroup } from './submission-group.ts';

const request = (key: string) => ({ key, submission: { caller: 'shop' } }) as SubmitRequest;
const taken: SubmitOutcome = { type: 'reference_taken', slipId: 's' };
const keysOf = (requests: readonly SubmitRequest[]) => requests.map(({ key }) => key);

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

/** Transactions over keys of which one is in another's hands until it is let go. */
function withHeldKey() {
  const batches: string[][] = [];
  let held = true;
  const submitAll = async (requests: readonly SubmitRequest[]) => {
    batches.push(keysOf(requests));
    if (held && keysOf(requests).includes('held')) throw new HeldElsewhere();
    return requests.map(() => taken);
  };
  const letGo = () => {
    held = false;
  };
  return { batches, submitAll, letGo };
}

test('a key that is held elsewhere costs the others of its batch nothing, and is told when it is free', async () => {
  const { batches, submitAll, letGo } = withHeldKey();
  const group = new SubmissionGroup(submitAll, { retryMs: 1 });
  const first = group.submit(request('held'));
  const others = await Promise.all(['a', 'b', 'c', 'd'].map((key) => group.submit(request(key))));
  expect(others.map(({ type }) => type)).toEqual(Array.from({ length: 4 }, () => 'reference_taken'));
  // It was found by halving, and from then on nobody shares a batch with it: neither others nor a repeat of it.
  const before = batches.length;
  const again = group.submit(request('held'));
  await group.submit(request('e'));
  expect(batches.slice(before).filter((keys) => keys.includes('e'))).toEqual([['e']]);
  letGo();
  expect(await Promise.all([first, again])).toEqual([taken, taken]);
});

test('given a batch of which a part was committed and another fails, each request gets what became of its own part', async () => {
  let isFirst = true;
  const submitAll = async (requests: readonly SubmitRequest[]) => {
    const keys = keysOf(requests);
    if (keys.length === 4 && isFirst) {
      isFirst = false;
      throw new HeldElsewhere();
    }
    if (keys.includes('d')) throw new TypeError('a bug');
    return requests.map(() => taken);
  };
  const group = new SubmissionGroup(submitAll);
  const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => group.submit(request(key))));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
});

test('what is left unsettled of a batch is tried again by itself, or fails by itself', async () => {
  const batches: string[][] = [];
  const submitAll = async (requests: readonly SubmitRequest[]) => {
    batches.push(keysOf(requests));
    return requests.map(({ key }) => {
      if (key === 'held' && batches.length === 1) return { type: 'held' } as const;
      return key === 'failing' ? ({ type: 'failed', cause: new TypeError('a bug') } as const) : taken;
    });
  };
  const group = new SubmissionGroup(submitAll, { retryMs: 1 });
  const of = (key: string) => group.submit(request(key));
  const [first, held, failing] = await Promise.allSettled([of('first'), of('held'), of('failing')]);
  expect([first!.status, held!.status, failing!.status]).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(batches).toEqual([['first', 'held', 'failing'], ['held']]);
});

test('a key that stays held is told to be in flight, after a while', async () => {
  const { submitAll } = withHeldKey();
  const group = new SubmissionGroup(submitAll, { retryMs: 1, heldMsMax: 20 });
  expect(await group.submit(request('held'))).toEqual({ type: 'in_flight' });
});

test('a database that is away makes the outcome unknown, a bug stays a bug', async () => {
  const failing = (error: Error) => new SubmissionGroup(() => Promise.reject(error)).submit(request('a'));
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  await expect(failing(refused)).rejects.toMatchObject({ code: 'unavailable', cause: refused });
  await expect(failing(new TypeError('bug'))).rejects.toThrow(TypeError);
});

test('a request that would wait too long is refused at once, and let in again when the others are done', async () => {
  let end: () => void = () => {};
  const submitAll = (requests: readonly SubmitRequest[]) =>
    new Promise<readonly SubmitOutcome[]>((resolve) => {
      end = () => resolve(requests.map(() => taken));
    });
  const group = new SubmissionGroup(submitAll, { waitMsMax: 20 });
  expect(group.shedS).toBeNull();
  const running = group.submit(request('running'));
  await waitFor(() => group.shedS !== null, { what: 'the transaction to take too long' });
  await expect(group.submit(request('one more'))).rejects.toMatchObject({
    ...{ code: 'overloaded', retryAfterS: expect.any(Number) },
  });
  end();
  await running;
  expect(group.shedS).toBeNull();
  const next = group.submit(request('next'));
  const ending = setInterval(() => end(), 1);
  expect(await next).toEqual(taken);
  clearInterval(ending);
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
