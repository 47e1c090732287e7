import { describe, expect, it } from '@jest/globals';
import { StreamBroken } from '@slipstream/kafka';
import { ResendFilter } from './resend-filter.ts';

const event = (sequence: number, source = '/a') => ({ source, sequence });
const numbers = (events: readonly { sequence: number }[]) => events.map(({ sequence }) => sequence);

describe('ResendFilter', () => {
  it('drops what was delivered and repeats within a batch', () => {
    const filter = new ResendFilter();
    const first = filter.fresh(0, [event(1), event(2), event(2), event(1), event(3)]);
    expect(numbers(first)).toEqual([1, 2, 3]);
    filter.delivered(0, first);
    expect(numbers(filter.fresh(0, [event(2), event(3), event(4)]))).toEqual([4]);
  });

  it('gives again what was not delivered', () => {
    const filter = new ResendFilter();
    filter.fresh(0, [event(1)]);
    expect(numbers(filter.fresh(0, [event(1)]))).toEqual([1]);
  });

  it('breaks off at a number that is missing, within a batch and between two', () => {
    const filter = new ResendFilter();
    expect(() => filter.fresh(0, [event(1), event(3)])).toThrow(StreamBroken);
    filter.delivered(0, [event(5)]);
    expect(() => filter.fresh(0, [event(7)])).toThrow('partition 0: seq 7 of /a after 5: records are lost');
    expect(numbers(filter.fresh(0, [event(6)]))).toEqual([6]);
  });

  it('begins anywhere, also after partitions were assigned anew, and still drops what was delivered', () => {
    const filter = new ResendFilter();
    expect(numbers(filter.fresh(0, [event(40)]))).toEqual([40]);
    filter.delivered(0, [event(40)]);
    filter.assigned();
    expect(numbers(filter.fresh(0, [event(39), event(40), event(90), event(91)]))).toEqual([90, 91]);
  });

  it('counts each source and partition apart', () => {
    const filter = new ResendFilter();
    filter.delivered(0, [event(5)]);
    expect(numbers(filter.fresh(1, [event(1)]))).toEqual([1]);
    expect(numbers(filter.fresh(0, [event(1, '/b')]))).toEqual([1]);
  });
});
