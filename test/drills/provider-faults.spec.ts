import { expect, test } from '@jest/globals';
import { FAULTS } from '@slipstream/provider-simulator';
import { faultRules, plannedFaults, planPayments } from './provider-faults.ts';

const plan = { run: 'x', seed: 1, slips: 100, routes: ['a', 'b'] };

test('every fault that the simulator knows is met', () => {
  expect([...plannedFaults].sort()).toEqual([...FAULTS].sort());
  const met = new Set(planPayments(plan).map(({ reference }) => reference.split('-').at(-1)));
  expect([...plannedFaults].filter((fault) => fault !== 'slow_inquiry' && !met.has(fault))).toEqual([]);
  const rules = faultRules({ start: new Date(0), frozenMs: 1, providers: [{ id: 'opal', mode: 'polled' }] });
  const polled = rules.filter(({ provider }) => provider === 'opal').map(({ fault }) => fault);
  expect(new Set(polled).size).toBe(plannedFaults.length - 1);
});

test('the same seed plans the same, another one otherwise', () => {
  expect(planPayments(plan)).toEqual(planPayments(plan));
  expect(planPayments({ ...plan, seed: 2 })).not.toEqual(planPayments(plan));
});

test('most slips can settle, few and many alike', () => {
  for (const slips of [100, 2_000]) {
    const hopeless =
      /-(refuse_connection|timeout_before_work|error_500_before_work|throttle_429|redirect|reject|zero_amount_failure|amount_changed|currency_changed)$/;
    const all = planPayments({ ...plan, slips });
    expect(all).toHaveLength(slips);
    expect(all.filter(({ reference }) => hopeless.test(reference)).length).toBeLessThan(0.1 * slips);
  }
});

test('too few slips for every fault are refused', () => {
  expect(() => planPayments({ ...plan, slips: 5 })).toThrow(RangeError);
});
