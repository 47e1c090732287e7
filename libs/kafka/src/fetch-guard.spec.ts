import { describe, expect, it } from '@jest/globals';
import { FetchGuard } from './fetch-guard.ts';

const noLogStart = async (): Promise<number> => {
  throw new Error('not to be asked');
};
const answer = (fetchedOffset: number, lastOffset: number, highWatermark = 1_000) => ({
  fetchedOffset,
  lastOffset,
  highWatermark,
});

describe('FetchGuard', () => {
  it('takes an answer that continues the stored offset, also in part below it', async () => {
    const guard = new FetchGuard(10);
    expect(await guard.check(answer(10, 20), 10, noLogStart)).toEqual({ kind: 'handle' });
    expect(await guard.check(answer(4, 12), 10, noLogStart)).toEqual({ kind: 'handle' });
  });

  it('asks for the stored offset when the whole answer lies below it', async () => {
    expect(await new FetchGuard(10).check(answer(0, 9), 10, noLogStart)).toEqual({
      kind: 'seek',
      offset: 10,
    });
  });

  it('asks once more above the stored offset, then calls the range lost', async () => {
    const guard = new FetchGuard(5);
    expect(await guard.check(answer(10, 20), 5, noLogStart)).toEqual({ kind: 'seek', offset: 5 });
    const verdict = await guard.check(answer(10, 20), 5, noLogStart);
    expect(verdict).toEqual({ kind: 'lost', why: 'offsets 5 to 9 are gone, the log begins at 10' });
  });

  it('does not trust a gap of a single record', async () => {
    const guard = new FetchGuard(5);
    expect(await guard.check(answer(6, 20), 5, noLogStart)).toEqual({ kind: 'seek', offset: 5 });
    expect(await guard.check(answer(6, 20), 5, noLogStart)).toMatchObject({ kind: 'lost' });
    const filtered = new FetchGuard(5);
    filtered.filtered(6, 9);
    expect(filtered.reached).toBe(5);
    const fresh = new FetchGuard(-1);
    expect(await fresh.check(answer(1, 9), -1, async () => 0)).toEqual({ kind: 'seek', offset: 0 });
  });

  it('calls no log too short that ends where the next record will be', async () => {
    const guard = new FetchGuard(10);
    const below = answer(0, 9, 10);
    expect(await guard.check(below, 10, noLogStart)).toEqual({ kind: 'seek', offset: 10 });
    expect(await guard.check(below, 10, noLogStart)).toEqual({ kind: 'seek', offset: 10 });
  });

  it('trusts the second answer when it is right', async () => {
    const guard = new FetchGuard(5);
    await guard.check(answer(10, 20), 5, noLogStart);
    expect(await guard.check(answer(5, 20), 5, noLogStart)).toEqual({ kind: 'handle' });
    expect(await guard.check(answer(10, 20), 5, noLogStart)).toEqual({ kind: 'seek', offset: 5 });
  });

  it('calls a log lost that ends before the stored offset', async () => {
    const guard = new FetchGuard(50);
    expect((await guard.check(answer(0, 3, 4), 50, noLogStart)).kind).toBe('seek');
    expect(await guard.check(answer(0, 3, 4), 50, noLogStart)).toMatchObject({
      kind: 'lost',
      why: expect.stringMatching(/ends at 4/),
    });
  });

  it('follows the client past control records and aborted transactions', async () => {
    const guard = new FetchGuard(5);
    guard.filtered(5, 9);
    expect(await guard.check(answer(10, 20), 5, noLogStart)).toEqual({ kind: 'handle' });
    const other = new FetchGuard(5);
    other.filtered(8, 9);
    expect((await other.check(answer(10, 20), 5, noLogStart)).kind).toBe('seek');
  });

  it('begins at the log’s start when nothing was ever handled, whatever Kafka has stored', async () => {
    const start = async () => 40;
    expect(await new FetchGuard(-1).check(answer(0, 9), -1, noLogStart)).toEqual({ kind: 'handle' });
    expect(await new FetchGuard(-1).check(answer(40, 49), -1, start)).toEqual({ kind: 'handle' });
    const guard = new FetchGuard(-1);
    expect(await guard.check(answer(45, 49), -1, start)).toEqual({ kind: 'seek', offset: 40 });
    guard.filtered(40, 44);
    expect(await guard.check(answer(45, 49), -1, noLogStart)).toEqual({ kind: 'handle' });
  });
});
