import { expect, test } from '@jest/globals';
import { caseReferences, planDemo } from './plan.ts';

const options = { run: 'r1', seed: 7, slips: 300, overMs: 10_000 };

test('the same seed gives the same feed', () => {
  expect(planDemo(options)).toEqual(planDemo(options));
});

test('the feed has orders and payouts, several currencies, four routes and background traffic, in order of time', () => {
  const plan = planDemo(options);
  const distinct = (pick: (slip: (typeof plan)[number]) => string) => new Set(plan.map(pick)).size;
  expect(distinct((slip) => slip.reference)).toBe(300);
  expect(distinct((slip) => slip.route)).toBe(4);
  expect(distinct((slip) => slip.amount.currency)).toBeGreaterThan(2);
  expect(new Set(plan.map((slip) => slip.kind))).toEqual(new Set(['order', 'payment', 'payout']));
  expect(plan.filter((slip) => slip.reference.startsWith('background-'))).toHaveLength(100);
  expect(plan.every((slip, index) => index === 0 || slip.atMs >= plan[index - 1]!.atMs)).toBe(true);
});

test('two slips of the usual feed end as open cases, at providers that have no outage', () => {
  const plan = planDemo({ ...options, slips: 360 }).filter(({ reference }) =>
    new RegExp(caseReferences).test(reference),
  );
  expect(plan.map(({ route }) => route)).toEqual(['cumulus', 'borealis']);
});
