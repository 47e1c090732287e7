import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { readTail } from './log-tail.ts';
import { Rig } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

describe('the tail of a log', () => {
  it('is what lies between the offsets asked for and the end, of each partition in its order', async () => {
    await rig.start(3);
    await rig.events(0, 3_000);
    await rig.events(1, 5);
    await rig.cut(1, 2);
    const read: string[] = [];
    const from = new Map([
      [0, 10],
      [1, 0],
      [2, 0],
    ]);
    const bounds = await readTail(rig.kafka, rig.topic, from, (partition, record) => {
      read.push(`${partition}:${record.offset}:${record.value() !== null}`);
    });
    expect(bounds.get(0)).toEqual({ start: 0, end: 3_000 });
    expect(bounds.get(1)).toEqual({ start: 2, end: 5 });
    const zero = Array.from({ length: 2_990 }, (_, i) => `0:${i + 10}:true`);
    expect(read.filter((one) => one.startsWith('0:'))).toEqual(zero);
    expect(read.filter((one) => one.startsWith('1:'))).toEqual(['1:2:true', '1:3:true', '1:4:true']);
    expect(read).toHaveLength(2_993);
  });

  it('is nothing where the cursor stands at the end or behind it', async () => {
    await rig.start(1);
    await rig.events(0, 5);
    const read: number[] = [];
    for (const offset of [5, 9]) {
      const bounds = await readTail(rig.kafka, rig.topic, new Map([[0, offset]]), (_, { offset: at }) =>
        read.push(at),
      );
      expect(bounds.get(0)).toEqual({ start: 0, end: 5 });
    }
    expect(read).toEqual([]);
  });
});
