import { expect, test } from '@jest/globals';
import { FAULTS } from '@slipstream/provider-simulator';
import { faultRules, lateProvider, type PlannedPayment, planPayments } from './provider-faults.ts';

const ofQuestions = ['slow_inquiry', 'ignores_cancellation'];
const ofSubmissions = FAULTS.filter((fault) => !ofQuestions.includes(fault));
const plan = { run: 'x', seed: 1, slips: 100, routes: [['a', 'b'], ['c']] as const };
const rules = faultRules({ start: new Date(0), frozenMs: 1 });
const metBy = (payment: PlannedPayment) =>
  rules.find(({ match }) => match && new RegExp(match.account).test(payment.account));

test('every fault that the simulator knows comes about, in the slips of every seed', () => {
  expect(new Set(rules.map(({ fault }) => fault))).toEqual(new Set(FAULTS));
  for (const seed of [1, 2]) {
    const met = new Set(planPayments({ ...plan, seed }).map((payment) => metBy(payment)?.fault));
    expect(ofSubmissions.filter((fault) => !met.has(fault))).toEqual([]);
  }
});

test('each protocol meets every fault: in one large seed, or in an even and an odd one', () => {
  const met = (...plans: PlannedPayment[][]) =>
    new Set(plans.flat().map((one) => `${metBy(one)?.fault} ${one.route === 'c' ? 'second' : 'first'}`));
  const both = ofSubmissions.flatMap((fault) => [`${fault} first`, `${fault} second`]);
  for (const found of [
    met(planPayments({ ...plan, slips: 2_000 })),
    met(planPayments(plan), planPayments({ ...plan, seed: 2 })),
  ]) {
    expect(both.filter((one) => !found.has(one))).toEqual([]);
  }
});

test('the provider that breaks its promise does so in every seed, and no other one', () => {
  const late = planPayments(plan).filter(({ account }) => account.endsWith('-executes_too_late'));
  expect(late.map(({ route }) => route)).toEqual([lateProvider]);
  expect(metBy(late[0]!)).toMatchObject({ fault: 'executes_late', provider: lateProvider });
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
