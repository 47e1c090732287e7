import { describe, expect, it } from '@jest/globals';
import type { LogRow } from '../verify/verify-partition.ts';
import { type Digested, digestLog, lossesSince } from './digest-log.ts';

const row = (offset: number, bytes: string): LogRow => ({
  ...{ offset, bytes: Buffer.from(bytes), mark: null, event: null, before: null, twin: null },
});

/** A log with pages of two rows. */
function logOf(partitions: readonly (readonly LogRow[])[], missing = 0): Digested {
  return {
    partitions: async () => partitions.map((_, partition) => partition),
    count: async () => partitions.flat().length,
    slips: async () => ({ slips: partitions.flat().length, missing }),
    async *pages(partition) {
      const rows = partitions[partition] ?? [];
      for (let at = 0; at < rows.length; at += 2) yield rows.slice(at, at + 2);
    },
  };
}

const rows = [[row(0, 'a'), row(2, 'b'), row(3, 'c')], [row(0, 'd')]] as const;

async function losses(after: readonly (readonly LogRow[])[], missing = 0) {
  const before = await digestLog(logOf(rows), null, () => {});
  const upTo = new Map(before.partitions.map(({ partition, last_offset }) => [partition, last_offset]));
  return lossesSince(before, await digestLog(logOf(after, missing), upTo, () => {}));
}

describe('a log after an upgrade', () => {
  it('is as it was, whatever came since', async () => {
    expect(await losses(rows)).toEqual([]);
    expect(await losses([[...rows[0], row(4, 'e')], [...rows[1], row(1, 'f')], [row(0, 'g')]])).toEqual([]);
  });

  it.each<[string, readonly (readonly LogRow[])[], RegExp]>([
    [
      'a lost record',
      [[rows[0][0]!, rows[0][2]!, row(9, 'x')], rows[1]],
      /partition 0 has 2 records instead of 3, up to offset 3/,
    ],
    ['other bytes', [[rows[0][0]!, row(2, 'B'), rows[0][2]!], rows[1]], /partition 0 has other bytes/],
    ['another place', [[rows[0][0]!, row(1, 'b'), rows[0][2]!], rows[1]], /partition 0 has other bytes/],
    ['a lost partition', [rows[0], [], [row(0, 'x')]], /partition 1 has 0 records instead of 1/],
  ])('has %s, and it is named', async (_, after, said) => {
    expect(await losses(after)).toEqual([expect.stringMatching(said)]);
  });

  it('speaks of slips that are kept nowhere', async () => {
    expect(await losses(rows, 2)).toEqual([expect.stringContaining('2 slips of the log are kept nowhere')]);
  });
});
