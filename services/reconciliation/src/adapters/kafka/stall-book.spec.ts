import { describe, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import { at } from '../../../test/story.ts';
import type { Stall } from '../../domain/diagnosis/stalls.ts';
import { StallBook } from './stall-book.ts';
import { stallOf } from './watermarks.ts';

const stall = (from: number, until: number): Stall => ({
  service: 'gateway',
  from: at(from),
  until: at(until),
});

describe('the stalls that are remembered', () => {
  test('are told by ticks, in the time of their database', () => {
    const measured = { awaits: null, sentInMs: 0, behindMs: 0, waits: [], marks: [], closed: false };
    const tick = { clock: 'wall', reading: at(20), silentMs: 7_000, ...measured };
    expect(stallOf({ ...tick, source: sources.gateway })).toEqual(stall(13, 20));
    expect(stallOf({ ...tick, source: sources.gateway, silentMs: 0 })).toBeNull();
    expect(stallOf({ ...tick, source: sources.reconciliation })).toBeNull();
  });

  test('are kept once, those included that were kept before; what could not be kept is kept the next time', async () => {
    const book = new StallBook([stall(0, 3)]);
    book.note(stall(0, 3));
    book.note(stall(5, 9));
    book.note(stall(5, 9));
    expect(book.all()).toEqual([stall(0, 3), stall(5, 9)]);
    const kept: Stall[] = [];
    await expect(book.save(() => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
    await book.save(async (stalls) => void kept.push(...stalls));
    await book.save(async (stalls) => void kept.push(...stalls));
    expect(kept).toEqual([stall(5, 9)]);
  });

  test('are at most a thousand, the latest', () => {
    const book = new StallBook([]);
    for (let n = 0; n < 1_002; n++) book.note(stall(n, n + 1));
    expect([book.all().length, book.all()[0]]).toEqual([1_000, stall(2, 3)]);
  });
});
