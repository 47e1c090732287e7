import { describe, expect, it } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { type OutRecord, rounds } from './send-rounds.ts';

const record = (topic: string, partition: number, key: string, bytes = 10): OutRecord => ({
  topic,
  partition,
  key,
  value: Buffer.alloc(bytes),
});
const shape = (records: readonly OutRecord[]) =>
  rounds(records).map((round) =>
    Object.fromEntries(
      round.map(({ topic, messages }) => [
        topic,
        Object.fromEntries(
          Object.entries(messages.reduce()).map(([partition, group]) => [
            partition,
            group.map(({ key }) => key),
          ]),
        ),
      ]),
    ),
  );

describe('rounds', () => {
  it('groups by topic and partition and keeps the order within each', () => {
    const records = [
      record('a', 1, '1'),
      record('b', 1, '2'),
      record('a', 0, '3'),
      record('a', 1, '4'),
      record('b', 1, '5'),
    ];
    expect(shape(records)).toEqual([{ a: { 0: ['3'], 1: ['1', '4'] }, b: { 1: ['2', '5'] } }]);
  });

  it('leaves to a later round what one request cannot take, without overtaking', () => {
    const big = 400 * 1024;
    const records = [
      record('a', 0, '1', big),
      record('a', 0, '2', big),
      record('a', 0, '3', big),
      record('a', 0, '4'),
      record('a', 1, '5'),
    ];
    expect(shape(records)).toEqual([{ a: { 0: ['1', '2'], 1: ['5'] } }, { a: { 0: ['3', '4'] } }]);
  });

  it('sends less at once to an inbound topic, whose batches are small', () => {
    const records = ['1', '2', '3'].map((key) => record(topics.commands.name, 0, key, 50 * 1024));
    expect(shape(records)).toEqual([
      { [topics.commands.name]: { 0: ['1', '2'] } },
      { [topics.commands.name]: { 0: ['3'] } },
    ]);
  });

  it('counts headers, as the broker does', () => {
    const wide = (key: string) => ({ ...record('a', 0, key), headers: { wide: 'ü'.repeat(200 * 1024) } });
    expect(shape([wide('1'), wide('2'), wide('3')])).toEqual([{ a: { 0: ['1', '2'] } }, { a: { 0: ['3'] } }]);
  });

  it('sends a record above the limit alone: the broker refuses it', () => {
    expect(shape([record('a', 0, '1'), record('a', 0, '2', 2_000_000), record('a', 0, '3')])).toHaveLength(3);
  });
});
