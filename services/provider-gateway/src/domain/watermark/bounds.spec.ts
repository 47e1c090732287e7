import { describe, expect, test } from '@jest/globals';
import { addMicros, addMs } from '@slipstream/kernel';
import { t0 } from '../dispatch/spec-support.ts';
import { type BoundFacts, watermarkBounds } from './bounds.ts';

const upTo = (ms: number) => new Map([[3, addMs(t0, ms)]]);
const facts: BoundFacts = {
  resultsHandledTo: addMs(t0, 200),
  partitionsOfResults: 12,
  marks: [],
  upstream: new Map([['wall', { times: upTo(100), closed: false }]]),
  oldestParked: new Map(),
};
const imported = { clock: 'import-1', partitions: 12, time: addMs(t0, 50), closed: true };
const withImport = (more: Partial<BoundFacts> = {}): BoundFacts => ({
  ...facts,
  marks: [imported],
  upstream: new Map([...facts.upstream, ['import-1', { times: upTo(60), closed: true }]]),
  ...more,
});
const ofImport = (more: Partial<BoundFacts> = {}) =>
  watermarkBounds(withImport(more)).find((bound) => bound.clock === 'import-1');

describe('the wall clock is vouched for', () => {
  test('up to the handled results, and on each partition no further than intake', () => {
    expect(watermarkBounds(facts)).toEqual([
      { clock: 'wall', time: addMs(t0, 200), partitions: upTo(100), closed: false },
    ]);
    expect(watermarkBounds({ ...facts, resultsHandledTo: t0 })[0]?.time).toBe(t0);
  });

  test('never up to a parked result', () => {
    const parked = new Map([['wall', addMs(t0, 40)]]);
    expect(watermarkBounds({ ...facts, oldestParked: parked })[0]?.time).toBe(addMicros(addMs(t0, 40), -1n));
  });

  test('not at all before intake has spoken', () => {
    expect(watermarkBounds({ ...facts, upstream: new Map() })).toEqual([]);
  });
});

describe('an imported clock is vouched for', () => {
  test('up to the least of its marks, on each partition no further than intake, and is closed when both are', () => {
    expect(ofImport()).toEqual({
      clock: 'import-1',
      time: addMs(t0, 50),
      partitions: upTo(60),
      closed: true,
    });
  });

  test('not while a partition has no mark', () => {
    expect(ofImport({ marks: [{ ...imported, partitions: 11 }] })).toBeUndefined();
  });

  test('not closed while intake’s is open, or a result is parked', () => {
    const open = new Map([['import-1', { times: upTo(60), closed: false }]]);
    expect(ofImport({ upstream: open })?.closed).toBe(false);
    const parked = new Map([['import-1', addMs(t0, 20)]]);
    expect(ofImport({ oldestParked: parked })).toMatchObject({
      time: addMicros(addMs(t0, 20), -1n),
      closed: false,
    });
  });

  test('is not held back by the wall clock’s parked results', () => {
    expect(ofImport({ oldestParked: new Map([['wall', t0]]) })).toMatchObject({ closed: true });
  });
});
