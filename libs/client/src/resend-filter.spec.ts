import { describe, expect, it } from '@jest/globals';
import { StreamBroken } from '@slipstream/kafka';
import { ResendFilter } from './resend-filter.ts';

const event = (sequence: number, source = '/a', more: { incarnation?: number; digest?: number } = {}) => ({
  ...{ source, sequence, incarnation: 1, digest: sequence },
  ...more,
});
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
    expect(() => filter.fresh(0, [event(7)])).toThrow('partition 0: seq 7 of /a, after 5: 1 record(s) lost');
    expect(numbers(filter.fresh(0, [event(6)]))).toEqual([6]);
  });

  it('breaks off at a fork: other bytes under a known number, or an incarnation that was over', () => {
    const filter = new ResendFilter();
    filter.delivered(0, [event(5), event(6)]);
    expect(() => filter.fresh(0, [event(6, '/a', { digest: 9 })])).toThrow(
      'partition 0: seq 6 of /a, a fork: its bytes are not those seen under this number',
    );
    expect(() => filter.fresh(0, [event(7), event(7, '/a', { digest: 9 })])).toThrow('a fork');
    expect(() => filter.fresh(0, [event(6, '/a', { incarnation: 2 })])).toThrow('a fork');
    filter.delivered(0, filter.fresh(0, [event(7, '/a', { incarnation: 2 })]));
    expect(() => filter.fresh(0, [event(8)])).toThrow('a fork: incarnation 1 speaks on');
    filter.assigned();
    expect(() => filter.fresh(0, [event(20)])).toThrow('a fork: incarnation 1 speaks on');
    expect(numbers(filter.fresh(0, [event(20, '/a', { incarnation: 2 })]))).toEqual([20]);
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
