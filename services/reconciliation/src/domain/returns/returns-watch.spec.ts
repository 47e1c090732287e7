import { describe, expect, test } from '@jest/globals';
import type { Step } from './cohort.ts';
import { bucketOf, returnedBy } from './curve.ts';
import { type Finding, ReturnsWatch } from './returns-watch.ts';
import { cohortMs, type ReturnsSettings, slotOf } from './settings.ts';

const settings: ReturnsSettings = {
  ...{ slipsMin: 100, falseAlarmEveryDays: 3_650, halfLifeMs: 3_600_000 },
  ...{ pauseShare: 0.1, slowerTimes: 2, lostShare: 0.05 },
};
const second = 1_000;
const minute = 60 * second;
const deadlineMs = minute;
const start = 1_800_000_000_000;

interface Traffic {
  readonly provider?: string;
  /** Seconds after the start. */
  readonly from: number;
  readonly to: number;
  /** Between two dispatches, and from dispatch to outcome; null: none comes. */
  readonly everyMs?: number;
  takes(n: number): number | null;
}

const well = (n: number) => 1_000 + 50 * (n % 20);
const never = () => null;

/** By slot, in order; what would return after `until` seconds is not heard of any more. */
function stepsOf(traffic: readonly Traffic[], until = Number.POSITIVE_INFINITY): Map<number, Step[]> {
  const steps: [number, Step][] = [];
  for (const { provider = 'acme', from, to, everyMs = 250, takes } of traffic) {
    for (let at = start + from * second, n = 0; at < start + to * second; at += everyMs, n++) {
      const width = cohortMs(deadlineMs);
      const cohort = Math.floor(at / width) * width;
      const place = { provider, route: 'default', from: cohort, until: cohort + width };
      const one = { ...place, slips: 1, amount: 1_250, currency: 'EUR' };
      steps.push([slotOf(at), { ...one, kind: 'dispatched', due: at + deadlineMs }]);
      const age = takes(n);
      if (age !== null && at + age < start + until * second)
        steps.push([slotOf(at + age), { ...one, kind: 'returned', bucket: bucketOf(age) }]);
    }
  }
  const bySlot = Map.groupBy(steps, ([slot]) => slot);
  return new Map(
    [...bySlot].sort(([a], [b]) => a - b).map(([slot, all]) => [slot, all.map(([, step]) => step)]),
  );
}

function play(traffic: readonly Traffic[], watch = new ReturnsWatch(settings), until?: number): Finding[] {
  return [...stepsOf(traffic, until)].flatMap(([slot, steps]) => watch.next(slot, steps));
}

const ago = (at: number) => (at - start) / second;
const others: Traffic = { provider: 'other', from: 0, to: 900, takes: well };
const lost: Traffic[] = [
  { from: 0, to: 300, takes: well },
  { from: 300, to: 400, takes: never },
];

describe('returns that fall', () => {
  test('are told before the first deadline passes, with what was expected, seen and will be missed', () => {
    const [falling, ...more] = play([...lost, others]);
    expect(more).toEqual([]);
    expect(falling).toMatchObject({ kind: 'falling', provider: 'acme', route: 'default' });
    if (falling?.kind !== 'falling') throw new Error('no warning');
    expect(ago(falling.since)).toBeGreaterThanOrEqual(295);
    expect(ago(falling.since)).toBeLessThan(305);
    expect(ago(falling.foundAt)).toBeLessThan(325);
    expect(falling.eValueLog).toBeGreaterThan(Math.log((3_650 * 86_400) / 0.5));
    const { forecast } = falling;
    expect(forecast.seen).toBeLessThan(forecast.expected / 4);
    // Four a second, and those few that were under way.
    const dispatched = 4 * (ago(falling.foundAt) - 300);
    expect(forecast.slips).toBeGreaterThan(0.8 * dispatched);
    expect(forecast.slips).toBeLessThan(1.1 * dispatched + 8);
    expect(forecast.money).toEqual({ EUR: forecast.slips * 1_250 });
    expect(ago(forecast.firstDue!)).toBeGreaterThanOrEqual(355);
    expect(ago(forecast.firstDue!)).toBeLessThan(365);
  });

  test.each<[string, (n: number) => number | null]>([
    ['a third is lost', (n) => (n % 3 === 0 ? null : well(n))],
    ['everything takes twenty times as long', (n) => 20 * well(n)],
  ])('are told when %s', (_, takes) => {
    const [falling, ...more] = play([
      { from: 0, to: 300, takes: well },
      { from: 300, to: 400, takes },
      others,
    ]);
    expect(falling).toMatchObject({ kind: 'falling', provider: 'acme' });
    // Once for an outage, though what is slow comes in the end.
    expect(more.filter(({ kind }) => kind === 'falling')).toEqual([]);
    expect(ago(falling!.foundAt)).toBeLessThan(360);
  });

  test.each<[string, readonly Traffic[]]>([
    ['all is well', [{ from: 0, to: 900, takes: well }]],
    [
      'all takes twice as long',
      [
        { from: 0, to: 300, takes: well },
        { from: 300, to: 600, takes: (n) => 2 * well(n) },
      ],
    ],
    ['one in forty is lost', [{ from: 0, to: 900, takes: (n) => (n % 40 === 7 ? null : well(n)) }]],
    [
      'too few were ever seen',
      [
        { from: 0, to: 20, takes: well },
        { from: 20, to: 24, takes: never },
      ],
    ],
    ['it never returned anything', [{ from: 0, to: 900, takes: never }]],
    [
      'nothing more is dispatched, and little was',
      [
        { from: 0, to: 300, takes: well },
        { from: 300, to: 301, takes: never },
      ],
    ],
    [
      'nothing comes for five seconds',
      [
        { from: 0, to: 300, takes: well },
        { from: 300, to: 305, takes: (n) => 5_000 - 250 * n + well(n) },
        { from: 305, to: 600, takes: well },
      ],
    ],
  ])('are not told when %s', (_, traffic) => {
    expect(play([...traffic, others])).toEqual([]);
  });

  test('are not told of a provider when nothing at all was heard, for however long', () => {
    const watch = new ReturnsWatch(settings);
    play([{ from: 0, to: 300, takes: well }], watch, 300);
    // What was under way comes when we are back.
    const back: Traffic = { from: 3_000, to: 3_300, takes: well };
    expect(play([back], watch)).toEqual([]);
  });

  test('recover, which is told once with the warning that ends; then they may fall again', () => {
    const findings = play([
      ...lost,
      { from: 400, to: 700, takes: well },
      { from: 700, to: 800, takes: never },
      { ...others, to: 900 },
    ]);
    expect(findings.map(({ kind }) => kind)).toEqual(['falling', 'recovered', 'falling']);
    const [fell, recovered, again] = findings;
    if (recovered?.kind !== 'recovered') throw new Error('it did not recover');
    expect(recovered.since).toBe(fell!.since);
    expect(recovered.fellAt).toBe(fell!.foundAt);
    expect(ago(recovered.recoveredSince)).toBeGreaterThanOrEqual(399);
    expect(ago(recovered.foundAt)).toBeLessThan(430);
    expect(ago(again!.since)).toBeGreaterThanOrEqual(690);
  });
});

describe('what is learned', () => {
  test('is never the outage', () => {
    const watch = new ReturnsWatch(settings);
    play(
      [
        { from: 0, to: 300, takes: well },
        { from: 300, to: 3_000, takes: never },
        { ...others, to: 3_000 },
      ],
      watch,
    );
    const { curve, falling } = watch.state.lanes['acme default']!;
    expect(falling).not.toBeNull();
    expect(curve.slips).toBeLessThan(1_400);
    expect(returnedBy(curve, deadlineMs)).toBeGreaterThan(0.95);
  });

  test('is how it is now when a warning has stood for a day', () => {
    const watch = new ReturnsWatch(settings);
    const slow: Traffic = { from: 300, to: 97_000, everyMs: 4_000, takes: () => 45_000 };
    const findings = play([{ from: 0, to: 300, takes: well }, slow], watch);
    expect(findings.map(({ kind }) => kind)).toEqual(['falling', 'recovered']);
    expect(watch.state.lanes['acme default']!.falling).toBeNull();
  });
});

describe('the state', () => {
  test('is plain data: kept and read again, it finds the same', () => {
    const traffic = [...lost, { from: 400, to: 600, takes: well }, { ...others, to: 600 }];
    const expected = play(traffic);
    let watch = new ReturnsWatch(settings);
    const findings = [...stepsOf(traffic)].flatMap(([slot, steps], i) => {
      if (i % 37 === 0) watch = new ReturnsWatch(settings, JSON.parse(JSON.stringify(watch.state)));
      return watch.next(slot, steps);
    });
    expect(findings).toEqual(expected);
    expect(expected).toHaveLength(2);
  });

  test('does not depend on the order in which a slot was read', () => {
    const traffic = [...lost, others];
    const watch = new ReturnsWatch(settings);
    const turned = [...stepsOf(traffic)].flatMap(([slot, steps]) => watch.next(slot, steps.toReversed()));
    expect(turned).toEqual(play(traffic));
  });

  test('holds what is under way alone: it does not grow, and ends with the traffic', () => {
    const watch = new ReturnsWatch(settings);
    play([{ from: 0, to: 300, takes: well }], watch);
    const { length } = Object.keys(watch.state.lanes['acme default']!.cohorts);
    play([{ from: 300, to: 3_000, takes: well }], watch);
    expect(Object.keys(watch.state.lanes['acme default']!.cohorts).length).toBeLessThanOrEqual(length + 1);
    play([{ provider: 'other', from: 3_000, to: 3_000 + 40 * 3_600, everyMs: 60_000, takes: well }], watch);
    expect(Object.keys(watch.state.lanes)).toEqual(['other default']);
  });
});
