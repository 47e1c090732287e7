import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { partitionOf } from './partition.ts';

// Kafka's own test values (UtilsTest.testMurmur2), made positive as its partitioner does.
const murmur2: [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('partitionOf', () => {
  it.each(murmur2)('puts %s where the Java client puts it', (key, hash) => {
    for (const partitions of [1, 6, 12, 97]) {
      expect(partitionOf(key, partitions)).toBe((hash & 0x7fffffff) % partitions);
    }
  });

  it('puts every key where kafkajs puts it', () => {
    const partitioner = Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({ partitionId })) as never;
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), (key) => {
        const expected = partitioner({ topic: '', partitionMetadata, message: { key, value: null } });
        expect(partitionOf(key, 12)).toBe(expected);
      }),
    );
  });
});
