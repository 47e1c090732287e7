import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { byTime } from './by-time.ts';

const row = (partition: number, offset: number, time: string) => ({ partition, offset, time });
const shown = (rows: readonly { partition: number; offset: number }[]) =>
  rows.map(({ partition, offset }) => `${partition}:${offset}`);

it('has rows by their times across partitions, and never before an earlier one of its partition', () => {
  const rows = [row(0, 0, '10'), row(0, 1, '40'), row(0, 2, '20'), row(1, 0, '15'), row(1, 1, '30')];
  expect(shown(byTime(rows, 100))).toEqual(['0:0', '1:0', '1:1', '0:1', '0:2']);
});

it('stops where more of a partition may come before the next', () => {
  const rows = [row(0, 0, '10'), row(0, 1, '20'), row(1, 0, '15'), row(1, 1, '90')];
  expect(shown(byTime(rows, 2))).toEqual(['0:0', '1:0', '0:1']);
});

it('read on from where it stopped has each row once, in the order of its partition', () => {
  const logs = fc.array(fc.array(fc.integer({ min: 10, max: 99 }), { maxLength: 12 }), { maxLength: 4 });
  fc.assert(
    fc.property(logs, fc.integer({ min: 1, max: 5 }), (times, perPartition) => {
      const log = times.map((of, partition) =>
        of.map((time, offset) => row(partition, offset, String(time))),
      );
      const from = log.map(() => 0);
      const read: string[][] = log.map(() => []);
      for (;;) {
        const rows = log.flatMap((of, partition) =>
          of.slice(from[partition], from[partition]! + perPartition),
        );
        if (rows.length === 0) break;
        const found = byTime(rows, perPartition);
        expect(found.length).toBeGreaterThan(0);
        for (const { partition, offset } of found) {
          read[partition]!.push(`${partition}:${offset}`);
          from[partition] = offset + 1;
        }
      }
      expect(read).toEqual(log.map(shown));
    }),
  );
});
