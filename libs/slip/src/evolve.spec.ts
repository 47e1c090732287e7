import { describe, expect, it } from '@jest/globals';
import type { SlipEvent } from './events.ts';
import { evolve } from './evolve.ts';
import * as e from './specification/events.ts';
import { given, late, recorded } from './specification/given.ts';
import { anomaliesMax, type SlipState } from './state.ts';

const held = [e.submitted(), e.held];
const sent = [...held, e.intended()];
const reported = e.submitted({ mode: 'reported' });
const inReview = [e.submitted({ reviewRequired: true }), e.reviewRequested];
const lost = [...sent, e.unanswered(), e.overdue()];
const proof = e.inquiryAnswered('not_found', { provesNotExecuted: true });
const proved = [...lost, e.inquiryRequested(), proof, e.notReturned()];
const givenUp = [...proved, e.refundRequested, e.refunded];
const doubtful = [...sent, e.returned('succeeded', { amount: { amount: 1251n, currency: 'EUR' } })];
const denied = [...sent, e.returned(), e.settled, e.returned('failed')];

describe('the status of a slip', () => {
  it.each<[string, (SlipEvent | ReturnType<typeof late>)[], SlipState['status']]>([
    ['submitted', [e.submitted()], 'submitted'],
    ['submitted, to be reviewed', [e.submitted({ reviewRequired: true })], 'in_review'],
    ['refused by intake', [e.rejected], 'rejected'],
    ['drafted', [e.drafted()], 'draft'],
    ['drafted, its caller reminded', [e.drafted(), e.reminderDue], 'draft'],
    ['drafted and confirmed', [e.drafted(), e.reminderDue, e.submitted()], 'submitted'],
    ['drafted, its confirmation read first', [e.submitted(), e.drafted()], 'submitted'],
    ['drafted and never confirmed', [e.drafted(), e.draftExpired], 'expired'],
    ['drafted and taken back', [e.drafted(), e.withdrawn], 'withdrawn'],
    ['looked at by somebody', [...inReview, e.reviewClaimed, e.approvalGiven], 'in_review'],
    ['looked at by nobody any more', [...inReview, e.reviewClaimed, e.reviewReleased], 'in_review'],
    ['approved', [...inReview, e.approved()], 'submitted'],
    [
      'approved, read before its submission',
      [e.approved(), e.submitted({ reviewRequired: true })],
      'submitted',
    ],
    ['approved and held', [...inReview, e.approved(), e.held], 'held'],
    ['declined', [...inReview, e.declined], 'declined'],
    ['taken back in review', [e.submitted({ reviewRequired: true }), e.withdrawn], 'withdrawn'],
    ['refused by the ledger', [e.submitted(), e.holdRefused], 'rejected'],
    ['held', held, 'held'],
    ['about to be sent', sent, 'dispatching'],
    ['provably not sent', [...sent, e.notSent()], 'held'],
    ['sent again', [...sent, e.notSent(), e.intended(2)], 'dispatching'],
    ['unanswered', [...sent, e.unanswered()], 'unknown'],
    ['acknowledged', [...sent, e.acknowledged], 'acknowledged'],
    ['acknowledged after the call timed out', [...sent, e.unanswered(), e.acknowledged], 'acknowledged'],
    ['under way', [...sent, e.progressed()], 'acknowledged'],
    ['answered', [...sent, e.returned()], 'returned'],
    ['settled', [...sent, e.returned(), e.settled], 'settled'],
    ['failed and given back', [...sent, e.returned('failed'), e.refunded], 'refunded'],
    ['overdue', lost, 'overdue'],
    ['held too late, then held', [e.submitted(), e.overdue('submitted'), e.held], 'held'],
    ['never held in time', [e.submitted(), e.overdue('submitted')], 'overdue'],
    ['asked about', [...lost, e.inquiryRequested()], 'inquiring'],
    ['between two inquiries', [...lost, e.inquiryRequested(), e.inquiryAnswered()], 'inquiring'],
    [
      'without proof, left to people',
      [...lost, e.inquiryRequested(), e.inquiryAnswered(), e.caseOpened()],
      'unknown',
    ],
    ['recovered by an inquiry', [...lost, e.inquiryRequested(), late(e.returned())], 'returned'],
    ['proved not executed', proved, 'not_returned'],
    ['given back', givenUp, 'refunded'],
    ['answered after the verdict, before the refund', [...proved, late(e.returned())], 'returned'],
    ['settled after the verdict', [...proved, late(e.returned()), e.settled], 'settled'],
    ['executed after the refund', [...givenUp, late(e.returned())], 'conflicted'],
    ['compensated', [...givenUp, late(e.returned()), e.compensated], 'conflicted'],
    ['compensated in parts', [...givenUp, late(e.returned()), e.compensated, e.latePart], 'conflicted'],
    ['written off', [...givenUp, late(e.returned()), e.compensated, e.writtenOff], 'conflicted'],
    ['denied after the settlement', [...sent, e.returned(), e.settled, e.returned('failed')], 'settled'],
    ['denied and claimed', [...denied, e.reversed], 'conflicted'],
    ['denied, and back by a statement', [...denied, e.reversed, e.moneyBack], 'conflicted'],
    [
      'denied, and given back by people',
      [...denied, e.reversed, e.suspenseDecided('give_back'), e.givenBack],
      'conflicted',
    ],
    [
      'given back by people, and the claim written off',
      [...denied, e.reversed, e.givenBack, e.suspenseDecided('write_off'), e.writtenOff],
      'conflicted',
    ],
    ['in doubt, and upheld by people', [...doubtful, e.suspenseDecided('uphold'), e.settled], 'settled'],
    ['in doubt, and given back', [...doubtful, e.suspenseDecided('give_back'), e.refunded], 'conflicted'],
    ['denied, and decided about', [...denied, e.reversed, e.suspenseDecided('uphold')], 'conflicted'],
    [
      'denied, and upheld by people',
      [...denied, e.reversed, e.suspenseDecided('uphold'), e.upheld],
      'settled',
    ],
    ['upheld, and back by a statement', [...denied, e.reversed, e.upheld, e.moneyBack], 'conflicted'],
    ['a part of it back by a statement', [...denied, e.partBack], 'settled'],
    ['all of it back in parts', [...denied, e.partBack, e.returned('failed'), e.moneyBack], 'conflicted'],
    ['settled in parts', [...sent, e.returned(), e.settledInParts(1), e.settledInParts(2)], 'settled'],
    ['failed after the refund', [...givenUp, late(e.returned('failed'))], 'refunded'],
    ['reported, then held', [reported, e.returned(), e.held], 'returned'],
    ['reported never', [reported, e.held, e.overdue(), e.notReturned('no_answer')], 'not_returned'],
    ['late, then judged', [...sent, late(e.returned()), e.overdue()], 'returned'],
    ['late and settled, then judged', [...sent, late(e.returned()), e.settled, e.overdue()], 'settled'],
    ['settled before its answer is read', [...sent, e.settled, e.returned()], 'settled'],
    ['settled and refunded', [...sent, e.returned(), e.settled, e.refunded], 'conflicted'],
    ['denied by a second answer', [...sent, e.returned(), e.returned('failed')], 'returned'],
    [
      'refunded, then a success denies the failure',
      [...sent, e.returned('failed'), e.refunded, e.returned()],
      'conflicted',
    ],
  ])('%s', (_, events, status) => {
    expect(given(...events).state.status).toBe(status);
  });
});

describe('an event that does not fit leaves an anomaly', () => {
  it.each<[string, (SlipEvent | ReturnType<typeof late>)[], string]>([
    ['before the submission', [e.held], 'early'],
    ['twice the draft', [e.drafted(), e.drafted()], 'duplicate'],
    ['a draft behind its confirmation', [e.submitted(), e.drafted()], 'out_of_order'],
    ['a submission of an expired draft', [e.drafted(), e.draftExpired, e.submitted()], 'after_end'],
    ['a reminder of what is submitted', [e.submitted(), e.reminderDue], 'out_of_order'],
    ['a draft that ends twice', [e.drafted(), e.withdrawn, e.draftExpired], 'duplicate'],
    ['taken back when it is held', [...held, e.withdrawn], 'contradicts'],
    ['a review that nobody asked for', [e.submitted(), e.reviewClaimed], 'out_of_order'],
    ['a step of a review behind its end', [...inReview, e.declined, e.reviewClaimed], 'after_end'],
    ['an approval of what needs none', [e.submitted(), e.approved()], 'out_of_order'],
    ['twice the approval', [...inReview, e.approved(), e.approved()], 'duplicate'],
    ['an approval of what was declined', [...inReview, e.declined, e.approved()], 'after_end'],
    ['declined when it is held', [...inReview, e.approved(), e.held, e.declined], 'contradicts'],
    ['twice the submission', [e.submitted(), e.submitted()], 'duplicate'],
    ['twice the hold', [...held, e.held], 'duplicate'],
    ['twice an attempt', [...sent, e.intended()], 'duplicate'],
    ['an attempt beside an open one', [...sent, e.intended(2)], 'out_of_order'],
    ['the end of an unknown attempt', [...held, e.notSent()], 'out_of_order'],
    ['a timeout after the callback', [...sent, e.acknowledged, e.unanswered()], 'out_of_order'],
    ['an answer to what was never sent', [...sent, e.notSent(), e.returned()], 'contradicts'],
    ['the same answer again', [...sent, e.returned(), e.returned()], 'duplicate'],
    ['another answer', [...sent, e.returned(), e.returned('void')], 'contradicts'],
    [
      'the same answer for another amount',
      [...sent, ...[1n, 2n].map((n) => e.returned('succeeded', { amount: { amount: n, currency: 'EUR' } }))],
      'amount_differs',
    ],
    [
      'a success of a second provider, though it says the same',
      [...sent, e.returned(), e.returned('succeeded', { provider: 'borealis' })],
      'contradicts',
    ],
    [
      'a success for less than was asked, behind one for all of it',
      [...sent, e.returned(), e.returned('succeeded', { amount: { amount: 1n, currency: 'EUR' } })],
      'amount_differs',
    ],
    [
      'the same success under another reference',
      [...sent, e.returned(), e.returned('succeeded', { providerReference: 'p-2' })],
      'reference_differs',
    ],
    [
      'the same failure, whatever amount it names',
      [
        ...[...sent, e.returned('failed')],
        e.returned('failed', { amount: { amount: 1n, currency: 'EUR' }, providerReference: 'p-2' }),
      ],
      'duplicate',
    ],
    ['a word that nobody knows after the end', [...sent, e.returned(), e.settled, e.doubted()], 'after_end'],
    ['a hold after the answer', [e.submitted(), e.intended(), e.returned(), e.held], 'out_of_order'],
    ['a hold after its refusal', [e.submitted(), e.holdRefused, e.held], 'contradicts'],
    ['a refusal after the hold', [...held, e.holdRefused], 'contradicts'],
    ['a settlement without an answer', [...sent, e.settled], 'out_of_order'],
    ['a settlement of a failure', [...sent, e.returned('failed'), e.settled], 'contradicts'],
    ['a refund without a reason', [...sent, e.refunded], 'out_of_order'],
    ['a refund of a success', [...sent, e.returned(), e.refunded], 'contradicts'],
    ['a success after the refund', [...givenUp, late(e.returned())], 'contradicts'],
    ['a success after the proof', [...proved, late(e.returned())], 'contradicts'],
    ['a verdict although the answer was in time', [...sent, e.returned(), e.overdue()], 'false_verdict'],
    ['an answer in time behind its verdict', [...lost, e.returned()], 'false_verdict'],
    ['an inquiry never asked', [...lost, e.inquiryAnswered()], 'out_of_order'],
    [
      'an inquiry answered twice',
      [...lost, e.inquiryRequested(), e.inquiryAnswered(), e.inquiryAnswered()],
      'duplicate',
    ],
    ['a settlement after the refund', [...sent, e.returned('failed'), e.refunded, e.settled], 'contradicts'],
    ['a settlement after a refund on proof', [...givenUp, e.settled], 'contradicts'],
    ['twice the settlement', [...sent, e.returned(), e.settled, e.settled], 'duplicate'],
    ['a reversal of what nobody denied', [...sent, e.returned(), e.settled, e.reversed], 'out_of_order'],
    ['twice the reversal', [...denied, e.reversed, e.reversed], 'duplicate'],
    [
      'a decision about what is not in suspense',
      [...sent, e.returned(), e.settled, e.suspenseDecided('uphold')],
      'out_of_order',
    ],
    ['twice a refund request', [...proved, e.refundRequested, e.refundRequested], 'duplicate'],
    ['a step after the end', [...sent, e.returned(), e.settled, e.progressed()], 'after_end'],
    ['a case opened twice', [e.submitted(), e.caseOpened(), e.caseOpened()], 'duplicate'],
    [
      'a case closed for a reason it never had',
      [e.submitted(), e.caseOpened(), e.caseClosed('conflict')],
      'duplicate',
    ],
    ['a case closed twice', [e.submitted(), e.caseOpened(), e.caseClosed(), e.caseClosed()], 'duplicate'],
    ['a case closed, never opened', [e.submitted(), e.caseClosed()], 'out_of_order'],
  ])('%s', (_, events, reason) => {
    const { state, log } = given(...events);
    const last = log.at(-1);
    expect(state.anomalies.at(-1)).toEqual({ eventId: last?.id, type: last?.event.type, reason });
    expect(state.version).toBe(events.length);
  });

  it('and a life without any leaves none', () => {
    const lives = [
      [...sent, e.acknowledged, e.progressed(), e.returned(), e.settled],
      [...sent, e.doubted(), e.doubted({ doubt: 'amount_unreadable', said: '0x' }), e.returned(), e.settled],
      [...givenUp, e.diagnosed()],
      [...proved, ...[1, 2].flatMap(() => [e.refundRequested, e.refundRefused])],
      [...sent, e.returned(), e.settledInParts(1), e.settledInParts(2)],
      [e.drafted(), e.reminderDue, e.submitted(), e.held],
      [e.drafted(), e.withdrawn],
      [...inReview, e.reviewClaimed, e.approvalGiven, e.approved(), e.held],
      [...inReview, e.declined],
      [reported, e.returned(), e.held, e.settled],
      [...lost, e.inquiryRequested(), late(e.returned()), e.lateReturnFound, e.settled],
      // A callback that comes behind the answer to a question.
      [...lost, late(e.returned('succeeded', { evidence: 'inquiry_answer' })), e.settled, late(e.returned())],
    ];
    for (const life of lives) expect(given(...life).state.anomalies).toEqual([]);
  });

  it('that names the last eight and counts all', () => {
    const { state } = given(e.submitted(), ...Array.from({ length: 20 }, () => e.submitted()));
    expect(state.anomalyCount).toBe(20);
    expect(state.anomalies.map((anomaly) => anomaly.eventId)).toEqual(
      Array.from({ length: anomaliesMax }, (_, index) => `event-${13 + index}`),
    );
  });
});

it('the deadline of what was reviewed counts from its approval, in whichever order it is read', () => {
  const later = '2026-11-22T11:00:00.000000Z';
  const [submitted] = inReview;
  for (const events of [
    [submitted!, e.approved({ deadline: later })],
    [e.approved({ deadline: later }), submitted!],
  ])
    expect(given(...events).state.deadline).toBe(later);
});

describe('a record that is no new event of the slip', () => {
  const state = given(...held).state;

  it('the same id again is not counted', () => {
    const again = evolve(state, recorded(e.held, 1));
    expect(again).toMatchObject({ version: 2, status: 'held', anomalies: [{ reason: 'redelivered' }] });
  });

  it('of another slip changes nothing', () => {
    const other = evolve(state, recorded(e.settled, 2, { slipId: 'slip-2' }));
    expect(other).toMatchObject({ version: 2, settled: false, anomalies: [{ reason: 'other_slip' }] });
  });

  it('of a type from a later version is counted and left', () => {
    const unknown = { type: 'SlipTeleported', data: {} } as unknown as SlipEvent;
    const next = evolve(state, recorded(unknown, 2));
    expect(next).toMatchObject({ version: 3, status: 'held', anomalies: [{ reason: 'unknown_type' }] });
  });
});
