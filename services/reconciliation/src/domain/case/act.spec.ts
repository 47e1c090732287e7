import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { isOpen, type SlipEvent } from '@slipstream/slip';
import fc from 'fast-check';
import {
  answered,
  at,
  doubted,
  held,
  intended,
  refunded,
  refused,
  returned,
  Story,
  settled,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { type Action, approveRefund, decideAction, declineRefund, postingsOf } from './act.ts';

const sent = (data: Parameters<typeof submitted>[0] = {}) =>
  new Story(told(submitted(data), at(0)), told(held, at(1)), told(intended(), at(2)));
/** Every inquiry was asked, and nothing is known. */
const unknown = () => {
  const story = sent()
    .tell(told(unanswered(), at(3)))
    .judge(at(10.1))
    .stepUntil(at(22.1));
  return story.tell(told(answered(5, 'no_answer'), at(22.2))).stepUntil(at(60));
};
/** A success after the refund: nothing but people can clear that up. */
const paidTwice = () =>
  sent().tell(told(returned({ outcome: 'failed' }), at(3)), told(refunded, at(4)), told(returned(), at(5)));
const ask = (action: Action, by = 'ann') => ({ action, by, reason: 'as agreed' });
const decide = (story: Story, action: Action, proposed = false) =>
  decideAction(story.slip, ask(action), proposed);
const refusal = (detail: string) => ({ type: 'refused', code: 'conflict', detail });
const carryOut = (story: Story, answer: ReturnType<typeof decideAction>) =>
  answer.type === 'refused' ? story : story.decide({ type: 'people_decided', events: answer.events }, at(70));
const reasonsOf = (story: Story) =>
  Object.fromEntries(
    story.slip.state.case?.reasons.map(({ reason, resolution }) => [reason, resolution]) ?? [],
  );

describe('an action', () => {
  test('needs an open case', () => {
    for (const type of ['inquire', 'refund', 'release', 'note'] as const)
      expect(decide(sent(), { type })).toEqual(refusal('Its case is closed.'));
  });

  test('inquire asks once more, with who and why, one inquiry at a time', () => {
    const story = unknown();
    const answer = decide(story, { type: 'inquire' });
    const event = { type: 'InquiryRequested', data: { inquiry: 6, requestedBy: 'ann', reason: 'as agreed' } };
    expect(answer).toEqual({ type: 'done', events: [event] });
    carryOut(story, answer);
    expect(decide(story, { type: 'inquire' })).toEqual(refusal('Inquiry 6 is under way.'));
    story.tell(told(answered(6, 'not_found', true), at(71)));
    expect(story.types().slice(-4)).toEqual([
      'SlipNotReturned',
      'SlipDiagnosed',
      'RefundRequested',
      'CaseClosed',
    ]);
    expect(decide(paidTwice(), { type: 'inquire' })).toEqual(refusal('It is conflicted.'));
  });

  test('note and assign are kept with who did it', () => {
    const story = unknown();
    expect(decide(story, { type: 'note' })).toEqual({
      type: 'done',
      events: [{ type: 'CaseNoted', data: { by: 'ann', code: 'note', text: 'as agreed' } }],
    });
    const assign: Action = { type: 'assign', assignee: 'bob' };
    carryOut(story, decide(story, assign));
    expect(story.slip.state.case?.assignee).toBe('bob');
    expect(decide(story, assign)).toEqual(refusal('bob looks after it already.'));
    carryOut(story, decide(story, { type: 'assign', assignee: null }));
    expect(story.slip.state.case?.assignee).toBeNull();
  });

  test('close resolves the reason that it names, or all, and no other', () => {
    const story = sent().tell(
      told(doubted('reference_shared', 'p-1, which names slip-2'), at(3)),
      told(doubted('word_unknown', 'MAYBE'), at(4)),
    );
    const open = Object.keys(reasonsOf(story));
    expect(open.length).toBeGreaterThan(1);
    carryOut(story, decide(story, { type: 'close', of: open[0]! }));
    expect(reasonsOf(story)).toEqual(
      Object.fromEntries(open.map((reason) => [reason, reason === open[0] ? 'by_hand' : null])),
    );
    expect(story.slip.state.case?.status).toBe('open');
    expect(decide(story, { type: 'close', of: open[0]! })).toEqual(refusal(`It is not open for ${open[0]}.`));
    carryOut(story, decide(story, { type: 'close', of: null }));
    expect(story.slip.state.case?.status).toBe('closed');
    expect(decide(story, { type: 'close', of: null })).toEqual(refusal('Its case is closed.'));
  });
});

describe('a refund by hand', () => {
  test('is proposed, and asked for when another person approves it; then the case closes', () => {
    const story = unknown();
    const proposal = decide(story, { type: 'refund' });
    expect(proposal).toMatchObject({
      type: 'proposed',
      events: [{ type: 'CaseNoted', data: { code: 'refund_proposed', by: 'ann' } }],
    });
    carryOut(story, proposal);
    expect(decide(story, { type: 'refund' }, true)).toMatchObject({ type: 'refused' });
    const approval = approveRefund(story.slip, ask({ type: 'refund' }), 'bob');
    const data = { basis: 'no_answer', requestedBy: 'ann', approvedBy: 'bob', reason: 'as agreed' };
    expect(approval).toEqual({ type: 'done', events: [{ type: 'RefundRequested', data }] });
    const held = story.slip.state.amount;
    expect(postingsOf(story.slip.state, [{ type: 'RefundRequested', data } as SlipEvent])).toEqual([
      { account: 'payer:cust-1:held', direction: 'debit', amount: held },
      { account: 'payer:cust-1:available', direction: 'credit', amount: held },
    ]);
    carryOut(story, approval);
    expect(approveRefund(story.slip, ask({ type: 'refund' }), 'bob')).toEqual(
      refusal('Its refund was asked for.'),
    );
    expect(story.slip.state.anomalyCount).toBe(0);
    story.tell(told(refunded, at(71)));
    expect(reasonsOf(story)).toEqual({ inquiry_exhausted: 'refunded' });
    expect(story.slip.state.status).toBe('refunded');
  });

  test('that is declined leaves the slip as it was', () => {
    const story = unknown();
    carryOut(story, declineRefund('bob', 'wait for the statement'));
    expect(story.slip.state.case?.status).toBe('open');
    expect(story.slip.state.refundRequested).toBe(false);
    expect(decide(story, { type: 'refund' })).toMatchObject({ type: 'proposed' });
  });

  test('is refused where the money is not held any more, or the provider executed the slip', () => {
    expect(decide(paidTwice(), { type: 'refund' })).toEqual(refusal('It is conflicted.'));
    const other = sent().tell(told(returned({ amount: { amount: 99n, currency: 'USD' } }), at(3)));
    expect(decide(other, { type: 'refund' })).toEqual(
      refusal('The provider reported that it executed the slip.'),
    );
    const story = unknown();
    const approval = approveRefund(story.tell(told(returned(), at(71))).slip, ask({ type: 'refund' }), 'bob');
    expect(approval).toEqual(refusal('Its case is closed.'));
  });
});

describe('a refund that waits', () => {
  const withheld = () =>
    sent({ amount: { amount: 500n, currency: 'EUR' } })
      .within({ take: () => 'repair_budget' })
      .tell(told(unanswered(), at(3)), told(answered(0, 'not_found', true), at(6)));

  test('is a case with its money, and goes on when one person releases it', () => {
    const story = withheld();
    expect(story.types()).toEqual(['SlipNotReturned', 'SlipDiagnosed', 'CaseOpened']);
    const [opened] = story.decided.flatMap(({ event }) => (event.type === 'CaseOpened' ? [event.data] : []));
    expect(opened).toMatchObject({ reason: 'repair_budget' });
    expect(opened!.summary).toContain(' 5.00 EUR');
    expect(decide(story, { type: 'close', of: null })).toMatchObject({ type: 'refused' });
    expect(decide(story, { type: 'refund' })).toMatchObject({ type: 'refused' });
    const released = decide(story, { type: 'release' });
    const data = { basis: 'not_executed', requestedBy: 'ann', approvedBy: null, reason: 'as agreed' };
    expect(released).toEqual({ type: 'done', events: [{ type: 'RefundRequested', data }] });
    carryOut(story, released);
    expect(decide(story, { type: 'release' })).toEqual(refusal('Its refund was asked for.'));
    story.tell(told(refunded, at(71)));
    expect(reasonsOf(story)).toEqual({ repair_budget: 'refunded' });
  });

  test('is not asked for when the provider executed the slip meanwhile', () => {
    const story = withheld().tell(told(returned(), at(7)), told(settled, at(8)));
    expect(reasonsOf(story)).toEqual({ repair_budget: 'returned' });
    expect(decide(story, { type: 'release' })).toEqual(refusal('Its case is closed.'));
  });
});

test('a case is open if and only if one of its reasons is unresolved, whatever people and providers do', () => {
  const events = [
    ...[unanswered(), returned(), returned({ outcome: 'failed' }), refunded, refused, settled],
    ...[returned({ amount: { amount: 7n, currency: 'USD' } }), answered(1, 'no_answer')],
    answered(5, 'not_found', true),
  ];
  const actions: Action[] = [
    ...(['inquire', 'refund', 'release', 'note'] as const).map((type) => ({ type })),
    ...[null, 'inquiry_exhausted', 'repair_budget'].map((of) => ({ type: 'close' as const, of })),
    { type: 'assign', assignee: 'bob' },
  ];
  const happening = fc.oneof(
    fc.record({ event: fc.constantFrom(...events) }),
    fc.record({ action: fc.constantFrom(...actions), approve: fc.boolean() }),
    fc.constantFrom('judge' as const, 'step' as const),
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 14 }), fc.boolean(), (happenings, rich) => {
      const story = sent().within({ take: () => (rich ? null : 'repair_budget') });
      for (const [index, one] of happenings.entries()) {
        const now = addMs(at(11), index * 30_000);
        if (one === 'judge') story.judge(now);
        else if (one === 'step') story.stepUntil(now);
        else if ('event' in one) story.tell(told(one.event, now));
        else {
          const answer = decide(story, one.action);
          const next =
            answer.type === 'proposed' && one.approve
              ? approveRefund(story.slip, ask(one.action), 'bob')
              : answer;
          const before = story.slip.state;
          carryOut(story, next);
          // Nothing is asked for that the ledger would refuse, and only what waited for people is closed by them.
          if (next.type !== 'refused' && next.events.some(({ type }) => type === 'RefundRequested'))
            expect([before.settled, before.refunded, before.outcome === 'succeeded']).toEqual([
              false,
              false,
              false,
            ]);
        }
        const { case: known } = story.slip.state;
        expect(known?.status ?? 'closed').toBe(known?.reasons.some(isOpen) ? 'open' : 'closed');
      }
    }),
    { numRuns: 2_000 },
  );
});
