import { expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { isOpen, successReported } from '@slipstream/slip';
import fc from 'fast-check';
import {
  answered,
  at,
  held,
  intended,
  refunded,
  returned,
  Story,
  settled,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';

const other = { amount: 1251n, currency: 'EUR' };
/** What may happen to a slip that was sent; before and after its deadline, in any order. */
const events = [
  unanswered(),
  returned(),
  returned({ amount: other }),
  returned({ outcome: 'failed' }),
  answered(1, 'no_answer'),
  answered(5, 'no_answer'),
  answered(5, 'not_found', true),
  refunded,
  settled,
];
const happening = fc.oneof(
  fc.record({ event: fc.constantFrom(...events), late: fc.boolean() }),
  fc.constantFrom('judge' as const, 'step' as const),
);

test('each reason of a case is resolved by what it waited for, and by nothing else', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 12 }), (happenings) => {
      const story = new Story(told(submitted(), at(0)), told(held, at(1)), told(intended(), at(2)));
      for (const [index, one] of happenings.entries()) {
        const now = addMs(at(11), index * 30_000);
        if (one === 'judge') story.judge(now);
        else if (one === 'step') story.stepUntil(now);
        else story.tell(told(one.event, now, { receivedTime: one.late ? now : at(5) }));
        check(story);
      }
    }),
    { numRuns: 2_000 },
  );
});

function check({ slip: { state }, decided }: Story): void {
  const reasons = state.case?.reasons ?? [];
  expect(state.case?.status ?? 'closed').toBe(reasons.some(isOpen) ? 'open' : 'closed');
  const mismatch = successReported(state) && state.returnedAmount?.amount === other.amount;
  const open = new Set(reasons.filter(isOpen).map(({ reason }) => reason));
  expect(open.has('amount_mismatch')).toBe(mismatch);
  expect(open.has('late_success_after_refund')).toBe(state.refunded && successReported(state));
  if (state.outcome !== null || state.notReturned !== null) expect(open.has('inquiry_exhausted')).toBe(false);
  // Never opened twice, never closed without having been opened.
  const told = new Set<string>();
  for (const { event } of decided) {
    if (event.type === 'CaseOpened') expect(told.has(event.data.reason)).toBe(false);
    if (event.type === 'CaseOpened') told.add(event.data.reason);
    if (event.type === 'CaseClosed') expect(told.delete(event.data.reason!)).toBe(true);
  }
}
