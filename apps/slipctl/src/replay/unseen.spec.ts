import { describe, expect, it } from '@jest/globals';
import { Unseen } from './unseen.ts';

const of = (slipId: string, clock = 'wall') => ({
  ...{ key: slipId, head: { type: 't.a', slipId, source: '/ledger', clock } },
});
const named = (slips: readonly string[] | null, clock: string | null = null) =>
  new Unseen({ slips: slips && new Set(slips), clock }, null);

describe('what a replay was asked for by name', () => {
  it('is there once a record of it was seen, one that nobody can read too', () => {
    const unseen = named(['s-1', 's-2'], 'june');
    unseen.see(of('s-1'));
    expect(unseen.problem()).toBe(
      'no record that was looked at is of the slip s-2, and none is on the clock june',
    );
    unseen.see({ key: 's-2', head: null });
    unseen.see(of('s-9', 'june'));
    expect(unseen.problem()).toBeNull();
    expect(named(null).problem()).toBeNull();
  });

  it('is told of the first that are not there, and how many more', () => {
    expect(named(['a', 'b', 'c', 'd', 'e']).problem()).toBe(
      'no record that was looked at is of the slips a, b, c and 2 more',
    );
  });

  it('was seen before the replay was interrupted, too', () => {
    const first = named(['s-1', 's-2']);
    first.see(of('s-1'));
    const second = new Unseen({ slips: new Set(['s-1', 's-2']), clock: null }, first.names);
    second.see(of('s-2'));
    expect(second.problem()).toBeNull();
  });
});
