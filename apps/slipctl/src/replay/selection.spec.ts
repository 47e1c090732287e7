import { describe, expect, it } from '@jest/globals';
import type { LoggedRecord } from './records.ts';
import { isMeant, parseOffsets, requireStillThere, type Selection, spansOf } from './selection.ts';

const all: Selection = {
  ...{ from: null, to: null, offsets: null, slips: null, types: null, sources: null, clock: null },
};
const time = '2026-11-22T10:00:00.000000Z';
const head = { type: 't.a', slipId: 's-1', source: '/ledger', clock: 'wall' };
const record: LoggedRecord = {
  ...{ partition: 1, offset: 7, key: 's-1', value: Buffer.alloc(0), headers: {}, time, head },
};

describe('what is meant', () => {
  it.each<[string, Partial<Selection>, boolean]>([
    ['all', {}, true],
    ['from its own time on', { from: time }, true],
    ['from later on', { from: '2026-11-22T10:00:00.000001Z' }, false],
    ['before its own time', { to: time }, false],
    ['before later', { to: '2026-11-22T10:00:00.000001Z' }, true],
    ['its slip', { slips: new Set(['s-1']) }, true],
    ['another slip', { slips: new Set(['s-2']) }, false],
    ['its type', { types: new Set(['t.a']) }, true],
    ['another type', { types: new Set(['t.b']) }, false],
    ['who published it', { sources: new Set(['/ledger']) }, true],
    ['another service', { sources: new Set(['/intake']) }, false],
    ['its clock', { clock: 'wall' }, true],
    ['another clock', { clock: 'import-1' }, false],
  ])('%s', (_, more, expected) => expect(isMeant({ ...all, ...more }, record)).toBe(expected));

  it('is of a record that nobody can read by its key and its time alone', () => {
    const unreadable = { ...record, head: null };
    expect(isMeant({ ...all, slips: new Set(['s-1']), from: time }, unreadable)).toBe(true);
    for (const more of [{ types: new Set(['t.a']) }, { sources: new Set(['/ledger']) }, { clock: 'wall' }])
      expect(isMeant({ ...all, ...more }, unreadable)).toBe(false);
  });
});

describe('offsets', () => {
  it.each([
    ['3:100-200', [3, { from: 100, to: 200 }]],
    ['3:100-', [3, { from: 100, to: null }]],
    ['0:100', [0, { from: 100, to: 100 }]],
    ['3:200-100', null],
    ['3', null],
    ['3:-5', null],
    ['a:1', null],
  ])('%s', (text, expected) => expect(parseOffsets(text)).toEqual(expected));

  it('are both included, and lie within the log', () => {
    const log = new Map([
      [0, { start: 10, end: 50 }],
      [1, { start: 0, end: 5 }],
    ]);
    const spans = (from: number, to: number | null) =>
      spansOf({ ...all, offsets: new Map([[0, { from, to }]]) }, log);
    expect(spans(0, 20)).toEqual(new Map([[0, { start: 10, end: 21 }]]));
    expect(spans(49, null)).toEqual(new Map([[0, { start: 49, end: 50 }]]));
    for (const [from, to] of [
      [60, 70],
      [50, null],
      [0, 9],
    ] as const)
      expect(() => spans(from, to)).toThrow('partition 0 of the log has the offsets 10 to 49');
    expect(spansOf(all, log)).toBe(log);
    const other = { ...all, offsets: new Map([[9, { from: 0, to: null }]]) };
    expect(() => spansOf(other, log)).toThrow('no partition 9');
  });
});

it.each([
  ['began and whole', { start: 0, end: 90 }, null],
  ['longer since then', { start: 50, end: 120 }, null],
  ['cut off in front of what is left', { start: 51, end: 90 }, 'has 51 to 89 now'],
  ['made anew', { start: 0, end: 3 }, 'had the offsets 50 to 89 still to replay, and has 0 to 2 now'],
  ['without the partition', undefined, 'has none of it now'],
])('a replay goes on in a log that is %s, or says why not', (_, span, problem) => {
  const log = new Map(span ? [[3, span]] : []);
  const run = () => requireStillThere(log, { positions: { 3: 50 }, ends: { 3: 90 } });
  if (problem === null) expect(run).not.toThrow();
  else expect(run).toThrow(problem);
  // What was done is done.
  expect(() => requireStillThere(log, { positions: { 3: 90 }, ends: { 3: 90 } })).not.toThrow();
});
