import { expect, test } from '@jest/globals';
import { sources, type Tick, topics } from '@slipstream/contracts';
import { upstreamMarks, wholeUpstreamTicks } from './upstream.ts';

const time = '2026-11-22T10:00:00.000000Z';

function ticks(partitions: number) {
  const marks = Array.from({ length: partitions }, (_, partition) => ({ partition, time, offset: 1n }));
  const tick = { source: sources.intake, clock: 'import-1', marks, closed: false } as unknown as Tick;
  return { clocks: () => ['import-1'], latest: () => tick };
}

test('intake speaks for reports only when it speaks for every partition their slips may come on', () => {
  const { partitions } = topics.events;
  expect(wholeUpstreamTicks(ticks(partitions - 1))).toEqual([]);
  expect(wholeUpstreamTicks(ticks(partitions))).toHaveLength(1);
  expect(upstreamMarks(ticks(partitions - 1)).get('import-1')?.times.size).toBe(partitions - 1);
});
