import { describe, expect, test } from '@jest/globals';
import { verdictId } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { type Range, Shadow } from './shadow.ts';

const deadline: Instant = '2026-11-22T10:00:05.000000Z';
const later = addMs(deadline, 1);
const all: Range = {
  judgedThrough: new Map([['wall', addMs(deadline, 250)]]),
  ...{ setAside: new Set<string>(), from: null, to: null },
};
let count = 0;

function recorded(event: SlipEvent, more: Partial<RecordedEvent> = {}): RecordedEvent {
  count += 1;
  const place = { id: `e-${count}`, slipId: 's-1', source: '', sequence: BigInt(count), clock: 'wall' };
  return { ...place, time: deadline, receivedTime: deadline, event, ...more };
}

const submitted = recorded({
  type: 'SlipSubmitted',
  data: { deadline, policy: { graceMs: 250, quietPeriodMs: 0, inquiryLadderMs: [] } },
} as unknown as SlipEvent);
const returned = (receivedTime: Instant) =>
  recorded({ type: 'SlipReturned', data: { outcome: 'succeeded' } } as unknown as SlipEvent, {
    receivedTime,
  });
const approved = (until: Instant) =>
  recorded({ type: 'SlipApproved', data: { deadline: until } } as unknown as SlipEvent);
const overdue = (by: Instant = deadline, more: Partial<RecordedEvent> = {}) =>
  recorded(
    { type: 'SlipOverdue', data: { stage: 'returned', deadline: by } },
    { id: verdictId('s-1', 'returned', by), receivedTime: by, ...more },
  );

function found(log: readonly RecordedEvent[], range: Partial<Range> = {}) {
  const shadow = new Shadow();
  for (const event of log) shadow.take(event);
  const { differences, ...rest } = shadow.compare({ ...all, ...range });
  return { ...rest, differences: differences.map(({ kind }) => kind) };
}

describe('a shadow of the reconciler', () => {
  test.each<[string, readonly RecordedEvent[], Partial<ReturnType<typeof found>>]>([
    ['an answer in time', [submitted, returned(deadline)], {}],
    [
      'an answer in time that was published late',
      [submitted, overdue(), returned(deadline)],
      { differences: ['extra'] },
    ],
    ['an answer too late', [submitted, overdue(), returned(later)], { verdicts: 1 }],
    ['none', [submitted, overdue()], { verdicts: 1 }],
    ['none, and no verdict', [submitted, returned(later)], { differences: ['missing'] }],
    [
      'a verdict of an answer in time',
      [submitted, returned(deadline), overdue()],
      { differences: ['extra'] },
    ],
    ['a verdict of what was never submitted', [overdue()], { slips: 0, differences: ['extra'] }],
    ['the same verdict twice', [submitted, overdue(), overdue()], { verdicts: 1 }],
    ['a verdict under another id', [submitted, overdue(deadline, { id: 'x' })], { differences: ['differs'] }],
    ['a verdict by another deadline', [submitted, overdue(later)], { differences: ['differs'] }],
    [
      'a verdict at another time',
      [submitted, overdue(deadline, { receivedTime: later })],
      { differences: ['differs'] },
    ],
    ['an approval that moved the deadline', [submitted, approved(later), overdue(later)], { verdicts: 1 }],
    ['an approval read first', [approved(later), submitted, overdue(later)], { verdicts: 1 }],
  ])('of %s', (_, log, expected) => {
    expect(found(log)).toEqual({ slips: 1, verdicts: 0, setAside: 0, differences: [], ...expected });
  });

  test('misses nothing that could not be judged yet, or by nobody', () => {
    const early = { judgedThrough: new Map([['wall', addMs(deadline, 249)]]) };
    expect(found([submitted], early)).toMatchObject({ differences: [] });
    expect(found([submitted], { judgedThrough: new Map() })).toMatchObject({ differences: [] });
    expect(found([submitted], { setAside: new Set(['s-1']) })).toMatchObject({
      setAside: 1,
      differences: [],
    });
  });

  test('compares the deadlines that are asked for', () => {
    expect(found([submitted], { from: later })).toMatchObject({ differences: [] });
    expect(found([submitted], { to: deadline, from: deadline })).toMatchObject({ differences: ['missing'] });
    expect(found([submitted, overdue()], { from: later })).toMatchObject({ verdicts: 0 });
  });

  test('knows that nothing was due where the hold of an imported slip is refused, whenever that was', () => {
    const clock = 'import-1';
    const refused = recorded({ type: 'HoldRefused', data: {} } as unknown as SlipEvent, {
      clock,
      receivedTime: later,
    });
    const range = { judgedThrough: new Map([[clock, addMs(deadline, 250)]]) };
    expect(found([{ ...submitted, clock }, refused], range)).toMatchObject({ differences: [] });
    expect(found([{ ...submitted, clock }], range)).toMatchObject({ differences: ['missing'] });
  });
});
