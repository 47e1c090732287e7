import { describe, expect, test } from '@jest/globals';
import { type DemoOutage, judgeOutage, type ShownIncident, type ToldTruth } from './outage.ts';
import { demoFaults } from './plan.ts';

const startMs = Date.parse('2026-11-22T10:00:00.000Z');
const at = (seconds: number) => new Date(startMs + seconds * 1_000).toISOString();
/** Answers are lost from the 10th second to the 15th, that one not included. */
const outage: DemoOutage = {
  provider: 'acme',
  from: startMs + 10_000,
  until: startMs + 15_000,
  calmMs: 3_000,
};
const id = (second: number) => `slip-${second}`;
const isLost = (second: number) => second >= 10 && second < 15;

/** A slip a second, dispatched and received then, with a deadline 12 s later. */
const seconds = Array.from({ length: 30 }, (_, second) => second);
const slips = seconds.map((second) => ({
  ...{ id: id(second), dispatched_at: at(second), deadline: at(second + 12), cause: null },
}));
const truth = seconds.map(
  (second): ToldTruth => ({
    ...{ slip_id: id(second), provider: 'acme', received_at: at(second) },
    answers: [
      isLost(second)
        ? { what: 'inquiry', delivered_at: at(second + 14) }
        : { what: 'callback', delivered_at: at(second + 1) },
    ],
  }),
);
const incident: ShownIncident = {
  ...{ id: 'i', provider: 'acme', since: at(10), until: at(14), causes: [] },
  slips: [10, 11, 12, 13, 14].map(id),
};
const judged = (incidents: readonly ShownIncident[], told = truth) =>
  judgeOutage(outage, { truth: told, slips, incidents });
const right = { incidents: 1, own_incidents: 0, outage_slips: 5, incident_differs: 0 };

describe('the incident of the outage', () => {
  test('is right with the slips whose answers were lost, and their first and last dispatch', () => {
    expect(judged([incident])).toEqual(right);
  });

  test.each<[string, Partial<ShownIncident>]>([
    ['lacks a slip', { slips: [10, 11, 13, 14].map(id) }],
    ['has one that was answered', { slips: [...incident.slips, id(20)], until: at(20) }],
    ['has one that the provider was never given', { slips: [...incident.slips, 'other'] }],
    ['begins too early', { since: at(9) }],
    ['ends too late', { until: at(15) }],
  ])('differs when it %s', (_, wrong) => {
    expect(judged([{ ...incident, ...wrong }]).incident_differs).toBe(1);
  });

  test('may lack one that a standstill of ours would have cost, too', () => {
    const causes = (known: Readonly<Record<string, string>>) =>
      slips.map((slip) => ({ ...slip, cause: slip.id in known ? { class: known[slip.id]! } : null }));
    const without = { ...incident, slips: [11, 12, 13, 14].map(id), since: at(11) };
    const differs = (known: Readonly<Record<string, string>>) =>
      judgeOutage(outage, { truth, slips: causes(known), incidents: [without] }).incident_differs;
    expect(differs({ [id(10)]: 'system' })).toBe(0);
    expect(differs({ [id(10)]: 'third_party' })).toBe(1);
    expect(differs({ [id(11)]: 'system' })).toBe(1);
  });

  test('may be one of our own when a standstill of ours would have cost all of them', () => {
    const own = { ...incident, provider: null };
    const differs = (...theirs: readonly number[]) => {
      const causes = slips.map((slip) => ({
        ...slip,
        cause: { class: theirs.some((second) => id(second) === slip.id) ? 'third_party' : 'system' },
      }));
      return judgeOutage(outage, { truth, slips: causes, incidents: [own] });
    };
    expect(differs()).toEqual({ ...right, incidents: 0, own_incidents: 1 });
    expect(differs(12, 13, 20).incident_differs).toBe(2);
  });

  test('differs by all of them when there is none', () => {
    expect(judged([])).toEqual({ ...right, incidents: 0, incident_differs: 5 });
  });

  test('has what else was not answered in time between its edges, and either way what came at the deadline', () => {
    const late = (second: number, afterS: number): ToldTruth[] =>
      truth.map((row) =>
        row.slip_id === id(second)
          ? { ...row, answers: [{ what: 'callback', delivered_at: at(second + afterS) }] }
          : row,
      );
    const grown = { ...incident, slips: [...incident.slips, id(16)], until: at(16) };
    expect(judged([grown], late(16, 14))).toEqual(right);
    expect(
      judged([{ ...grown, until: at(17), slips: [...incident.slips, id(17)] }], late(16, 14)),
    ).toMatchObject({
      incident_differs: 2,
    });
    expect(judged([grown], late(16, 11.5)).incident_differs).toBe(0);
  });

  test('of which there are two is told, and that of another feed is not', () => {
    const own = { ...incident, id: 'own', provider: null, slips: [id(3)] };
    expect(judged([{ ...own, provider: 'other' }, incident])).toEqual({ ...right, incidents: 2 });
    expect(judged([own, incident])).toEqual({ ...right, own_incidents: 1 });
    expect(judged([incident, { ...own, slips: ['before'] }])).toEqual(right);
  });
});

test('the demo loses the answers of the outage, and none of that provider right before and after', () => {
  const rules = demoFaults(new Date(startMs), outage).filter(({ provider }) => provider === 'acme');
  expect(rules).toEqual([
    { fault: 'duplicate_callback', provider: 'acme', from: at(7), to: at(10) },
    { fault: 'lost_callback', provider: 'acme', from: at(10), to: at(15) },
    { fault: 'duplicate_callback', provider: 'acme', from: at(15), to: at(18) },
  ]);
});
