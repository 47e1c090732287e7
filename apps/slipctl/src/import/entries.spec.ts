import { describe, expect, it } from '@jest/globals';
import { byReference, type Entry, recordsPerSlipMax } from './entries.ts';
import { collect } from './spec-support.ts';

async function* entries(...references: readonly (readonly [string, number])[]): AsyncGenerator<Entry> {
  for (const [reference, count] of references) {
    for (let line = 1; line <= count; line++) yield { line, reference, problem: 'x' };
  }
}

describe('entries by reference', () => {
  it('are held up to a bound, and counted beyond it', async () => {
    const groups = await collect(byReference(entries(['a', 2], ['b', recordsPerSlipMax + 5], ['c', 1])));
    expect(groups.map(({ entries: held, count }) => [held[0].reference, held.length, count])).toEqual([
      ['a', 2, 2],
      ['b', recordsPerSlipMax, recordsPerSlipMax + 5],
      ['c', 1, 1],
    ]);
  });
});
