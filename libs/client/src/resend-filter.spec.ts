import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@slipstream/slip';
import { ResendFilter } from './resend-filter.ts';

const event = (sequence: number, source = '/a') => ({ source, sequence: BigInt(sequence) }) as RecordedEvent;
const numbers = (events: readonly RecordedEvent[]) => events.map(({ sequence }) => Number(sequence));

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

  it('counts each source and partition apart', () => {
    const filter = new ResendFilter();
    filter.delivered(0, [event(5)]);
    expect(numbers(filter.fresh(1, [event(1)]))).toEqual([1]);
    expect(numbers(filter.fresh(0, [event(1, '/b')]))).toEqual([1]);
  });
});
