import { describe, expect, test } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import { mayIntend } from './attempt.ts';
import { foldBack } from './fold-back.ts';
import { limits as callLimits, dispatch, t0 } from './spec-support.ts';
import type { Dispatch } from './state.ts';

const now = '2026-11-22T10:00:01.000000Z';
const limits = { ...callLimits, recheckLadderMs: [5_000, 60_000] };
const provider = 'acme';
const notAfter = '2026-11-22T10:00:00.500000Z';
const evidence = 'signed_callback' as const;

const intent = (attempt = 1, at = provider): SlipEvent => ({
  type: 'DispatchIntended',
  data: { attempt, provider: at, digest: '', notAfter, reason: null, detail: null },
});
const notSent = (attempt = 1): SlipEvent => ({
  type: 'DispatchNotSent',
  data: { attempt, provider, reason: 'connection_refused', detail: '' },
});
const unanswered = (attempt = 1): SlipEvent => ({
  type: 'DispatchUnanswered',
  data: { attempt, provider, reason: 'timeout', detail: '' },
});
const acknowledged: SlipEvent = {
  type: 'SlipAcknowledged',
  data: { provider, providerReference: 'p-1', evidence, providerTime: null },
};
const progressed: SlipEvent = {
  type: 'SlipProgressed',
  data: { provider, step: 'packed', evidence, providerTime: null },
};
const returned = (outcome: 'succeeded' | 'failed'): SlipEvent => ({
  type: 'SlipReturned',
  data: {
    provider,
    outcome,
    reason: null,
    amount: null,
    evidence,
    providerReference: 'p-2',
    providerTime: null,
  },
});
const doubted = (said: string): SlipEvent => ({
  type: 'AnswerDoubted',
  data: { provider, doubt: 'word_unknown', said, evidence, providerReference: null, providerTime: null },
});
const answered = (provesNotExecuted: boolean): SlipEvent => ({
  type: 'InquiryAnswered',
  data: { inquiry: 2, provider, answer: 'not_found', provesNotExecuted, detail: '' },
});
const refunded: SlipEvent = { type: 'SlipRefunded', data: { transaction: null, reason: 'not_executed' } };
const held: SlipEvent = { type: 'FundsHeld', data: { transaction: null } };

function fold(start: Dispatch, ...events: readonly SlipEvent[]): Dispatch {
  return events.reduce((state, event) => foldBack(state, event, { now, terms: limits }).dispatch, start);
}

const due = dispatch({ nextAt: t0 });
const waiting = dispatch({ status: 'submitted', nextAt: null });

test('a callback that came behind the answer to a question is remembered: it is told once', () => {
  const byInquiry = returned('succeeded') as Extract<SlipEvent, { type: 'SlipReturned' }>;
  const asked = fold(due, intent(), unanswered(), {
    ...byInquiry,
    data: { ...byInquiry.data, evidence: 'inquiry_answer' },
  });
  expect(asked.evidence).toBe('inquiry_answer');
  expect(fold(asked, returned('succeeded'))).toMatchObject({
    outcome: 'succeeded',
    evidence: 'signed_callback',
  });
});

describe('a slip folded back from the log', () => {
  test.each<[string, SlipEvent[], Partial<Dispatch>]>([
    ['was never sent: it is due', [held], { status: 'held', nextAt: now }],
    [
      'has an intent without an end: it may have left',
      [held, intent()],
      { status: 'intended', attempt: 1, notAfter },
    ],
    [
      'was not sent: it is due again',
      [held, intent(), notSent()],
      { status: 'held', attempt: 1, nextAt: now },
    ],
    [
      'was not sent again after a call without an answer: it may have left',
      [held, intent(), unanswered(), intent(2), notSent(2)],
      { status: 'unanswered', attempt: 2, sentMaybe: true, nextAt: null },
    ],
    ['has its second intent', [held, intent(), notSent(), intent(2)], { status: 'intended', attempt: 2 }],
    [
      'got no answer',
      [held, intent(), unanswered()],
      { status: 'unanswered', sentMaybe: true, leaseUntil: null },
    ],
    [
      'was acknowledged',
      [held, intent(), acknowledged],
      { status: 'answered', acknowledged: true, sentMaybe: true },
    ],
    ['is worked on', [held, intent(), acknowledged, progressed], { status: 'answered', lastStep: 'packed' }],
    [
      'has returned',
      [held, intent(), acknowledged, returned('failed')],
      { status: 'returned', outcome: 'failed', evidence, providerReference: 'p-1', nextAt: null },
    ],
    [
      'was spoken of by words that settle nothing',
      [held, intent(), doubted('MAYBE'), doubted('PERHAPS')],
      { status: 'answered', acknowledged: true, outcome: null, sentMaybe: true },
    ],
    [
      'succeeded, and then failed',
      [held, intent(), returned('succeeded'), returned('failed')],
      { status: 'returned', outcome: 'succeeded' },
    ],
    ['is proved not executed', [held, intent(), unanswered(), answered(true)], { closedForDispatch: true }],
    ['may still be executed', [held, intent(), unanswered(), answered(false)], { closedForDispatch: false }],
    [
      'succeeded after its refund',
      [held, intent(), returned('failed'), refunded, returned('succeeded')],
      { status: 'returned', outcome: 'succeeded', refunded: true, closedForDispatch: true },
    ],
  ])('%s', (_, events, expected) => {
    const folded = fold(waiting, ...events);
    expect(folded).toMatchObject(expected);
    // The database may know any beginning of it: folding all of it again changes nothing, and sends nothing again.
    expect(fold(folded, ...events)).toEqual(folded);
  });

  test('is not told again what the log has of it', () => {
    const { told } = fold(
      waiting,
      held,
      intent(),
      returned('succeeded'),
      returned('failed'),
      doubted('MAYBE'),
    );
    expect(told).toHaveLength(3);
  });

  test('is never due when anything of it may have left', () => {
    const left = [
      [intent()],
      [intent(), unanswered()],
      [intent(), acknowledged],
      [intent(), doubted('MAYBE')],
      [intent(), returned('succeeded')],
      [intent(), unanswered(), answered(true)],
      [intent(), notSent(), intent(2)],
    ];
    const later = '2026-11-22T10:00:04.000000Z';
    expect(mayIntend(due, later)).toBe(true);
    for (const events of left) expect(mayIntend(fold(due, ...events), later)).toBe(false);
  });

  test('an old end does not end a later attempt', () => {
    const second = fold(due, intent(), notSent(), intent(2));
    expect(fold(second, notSent(), unanswered())).toEqual(second);
  });

  test('an intent without an end runs out with its call, as one whose sender is gone', () => {
    expect(fold(due, intent()).leaseUntil).toBe('2026-11-22T10:00:04.500000Z');
    const gone = foldBack(due, intent(), { now, terms: null }).dispatch;
    expect(gone).toMatchObject({ status: 'intended', leaseUntil: '2026-11-22T10:00:01.500000Z' });
  });
});

describe('a slip that went on to another provider, folded back', () => {
  const onward = [held, intent(), notSent(), intent(2, 'borealis')];

  test('keeps the attempt before, whose provider may still speak', () => {
    const folded = fold(waiting, ...onward);
    expect(folded).toMatchObject({
      ...{ status: 'intended', attempt: 2, provider: 'borealis' },
      earlier: [{ attempt: 1, provider: 'acme', end: 'not_sent' }],
    });
    expect(fold(folded, ...onward)).toEqual(folded);
    const proved = fold(waiting, held, intent(), unanswered(), intent(2, 'borealis'));
    expect(proved).toMatchObject({ earlier: [{ attempt: 1, provider: 'acme', end: 'unanswered' }] });
  });

  test('is with the later one, whatever the earlier one said beside it', () => {
    const folded = fold(waiting, ...onward, acknowledged);
    expect(folded).toMatchObject({
      ...{ status: 'intended', provider: 'borealis', acknowledged: true },
      earlier: [{ provider: 'acme', end: 'answered' }],
    });
    expect(fold(folded, returned('succeeded'))).toMatchObject({
      ...{ status: 'returned', outcome: 'succeeded', provider: 'borealis' },
      earlier: [{ provider: 'acme', end: 'succeeded' }],
    });
  });
});

describe('a question folded back', () => {
  const requested: SlipEvent = { type: 'InquiryRequested', data: { inquiry: 2 } };

  test('is on the list until its answer comes, and nothing is answered meanwhile', () => {
    const { slipId } = due;
    const asked = foldBack(due, requested, { now, terms: limits });
    expect(asked).toEqual({
      dispatch: due,
      inquiries: [{ slipId, n: 2, provider, dueAt: now }],
      answered: null,
    });
    expect(foldBack(due, answered(false), { now, terms: limits })).toMatchObject({
      answered: 2,
      inquiries: [],
    });
  });

  test('this service’s own, about a call without an answer, is put again', () => {
    const open = fold(due, intent());
    expect(foldBack(open, unanswered(), { now, terms: limits }).inquiries).toMatchObject([
      { n: 0, provider },
    ]);
    expect(foldBack(open, unanswered(), { now, terms: null }).inquiries).toEqual([]);
  });

  describe('about what was given back, whose questions are lost', () => {
    const request = (basis: 'not_executed' | 'no_answer'): SlipEvent => ({
      type: 'RefundRequested',
      data: { basis, requestedBy: 'ops' },
    });
    const asked = (start: Dispatch, event: SlipEvent) =>
      foldBack(start, event, { now, terms: limits }).inquiries;
    const ladder = [
      { n: -3, provider, dueAt: '2026-11-22T10:00:06.000000Z' },
      { n: -4, provider, dueAt: '2026-11-22T10:01:01.000000Z' },
    ];
    const open = fold(due, intent(), unanswered());

    test('by people without a proof, and by a proof whose bytes are lost, is put by the ladder', () => {
      expect(asked(open, request('no_answer'))).toMatchObject(ladder);
      expect(asked(open, answered(true))).toMatchObject(ladder);
      // An intent without an end may have left, too.
      expect(asked(fold(due, intent()), request('no_answer'))).toMatchObject(ladder);
      expect(fold(open, request('no_answer'))).toMatchObject({ closedForDispatch: true, nextAt: null });
    });

    test('is put once, and about nothing that never left or has its answer', () => {
      expect(asked(open, answered(false))).toEqual([]);
      expect(asked(fold(open, answered(true)), request('not_executed'))).toEqual([]);
      expect(asked(due, request('no_answer'))).toEqual([]);
      expect(asked(due, answered(true))).toEqual([]);
      expect(asked(fold(open, returned('succeeded')), request('no_answer'))).toEqual([]);
      expect(foldBack(open, request('no_answer'), { now, terms: null }).inquiries).toEqual([]);
    });
  });
});
