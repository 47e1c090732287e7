import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import {
  acknowledged,
  answered,
  at,
  contextAt,
  deadline,
  decisions,
  held,
  intended,
  notSent,
  policy,
  refunded,
  refused,
  returned,
  settled,
  submitted,
  tell,
  told,
  unanswered,
} from '../../../test/story.ts';
import { isFinished } from '../watch/watched-slip.ts';
import { callOverdue } from './call-overdue.ts';
import { caseChangeOf } from './case-change.ts';
import { concludeNoAnswer } from './conclude.ts';
import type { Draft } from './draft.ts';
import { answerWaitMs } from './ladder.ts';
import { takeStep } from './take-step.ts';

const sent = () => tell(null, told(submitted(), at(0)), told(held, at(1)), told(intended(), at(2)));
const overdue = (draft = sent(), now = at(10.1)) => {
  callOverdue(draft, contextAt(now));
  return draft;
};
/** Takes every step that is due until `until`, as the worker would. */
const step = (draft: Draft, until: string) => {
  while (draft.slip.nextStep && draft.slip.nextStep.at <= until) {
    takeStep(draft, contextAt(draft.slip.nextStep.at));
  }
  return draft;
};
const caseOf = (draft: Draft) => draft.slip.state.case;

describe('a slip whose deadline passed', () => {
  test('is overdue and asked about at once when the ladder begins at 0', () => {
    const draft = overdue();
    expect(draft.slip.verdict).toBe('overdue');
    expect(draft.decided.map(({ event }) => event)).toEqual([
      { type: 'SlipOverdue', data: { stage: 'returned', deadline } },
      { type: 'InquiryRequested', data: { inquiry: 1 } },
    ]);
    expect(draft.slip.nextStep).toEqual({ kind: 'inquire', at: at(12.1) });
  });

  test('has a verdict that says nothing but what the log says', () => {
    const [early] = overdue(sent(), at(10.1)).decided;
    const [late] = overdue(sent(), at(99)).decided;
    expect({ ...late, at: null }).toEqual({ ...early, at: null });
    expect(early).toMatchObject({ id: `overdue slip-1 returned ${deadline}`, receivedAt: deadline });
  });

  test('waits for its first rung when the ladder begins later', () => {
    const late = submitted({ policy: { ...policy, inquiryLadderMs: [3_000] } });
    const draft = overdue(tell(null, told(late, at(0)), told(held, at(1))), at(11));
    expect(decisions(draft)).toEqual(['SlipOverdue']);
    expect(draft.slip.nextStep).toEqual({ kind: 'inquire', at: at(14) });
  });

  test('stays overdue when its answer was read before the verdict: the answer is late, not the verdict false', () => {
    const draft = tell(sent(), told(returned(), at(10.05)));
    expect(draft.slip.verdict).toBe('open');
    overdue(draft);
    expect(decisions(draft)).toEqual(['SlipOverdue', 'SlipDiagnosed', 'LateReturnFound']);
    expect(draft.decided.at(-1)!.event.data).toEqual({ deadline, receivedAt: at(10.05), after: 'overdue' });
  });

  test('is in time when the answer was received by then, however late it was handled', () => {
    const handledLate = told(returned(), at(30), { receivedTime: deadline });
    expect(tell(sent(), handledLate).slip.verdict).toBe('in_time');
    const micro = told(returned(), at(30), { receivedTime: addMs(deadline, 1) });
    expect(tell(sent(), micro).slip.verdict).toBe('open');
  });

  test('gets no verdict when it was refused in time', () => {
    const draft = tell(null, told(submitted(), at(0)), told(refused, at(1)));
    expect(draft.slip.verdict).toBe('in_time');
  });

  test('is only explained when it was refused too late', () => {
    const draft = overdue(tell(null, told(submitted(), at(0)), told(refused, at(10.05))));
    expect(decisions(draft)).toEqual(['SlipOverdue', 'SlipDiagnosed']);
    expect(draft.slip.state.cause?.code).toBe('hold_late');
    expect(isFinished(draft.slip)).toBe(true);
  });
});

describe('the ladder', () => {
  test('asks at its frozen times and then leaves the slip to people', () => {
    const draft = overdue();
    step(draft, at(60));
    const asked = draft.decided.filter(({ event }) => event.type === 'InquiryRequested');
    expect(asked.map(({ at }) => at)).toEqual([at(10.1), at(12.1), at(14.1), at(18.1), at(22.1)]);
    expect(decisions(draft).slice(-2)).toEqual(['SlipDiagnosed', 'CaseOpened']);
    expect(draft.decided.at(-1)).toMatchObject({
      event: { data: { reason: 'inquiry_exhausted' } },
      at: addMs(at(22.1), answerWaitMs),
    });
    expect(decisions(draft)).not.toContain('SlipNotReturned');
    expect(decisions(draft)).not.toContain('RefundRequested');
  });

  test('ends without waiting when its last question was answered without proof', () => {
    const draft = step(overdue(), at(22.1));
    tell(draft, told(answered(5, 'pending'), at(22.4)));
    step(draft, at(22.4));
    expect(caseOf(draft)).toMatchObject({ status: 'open', openedAt: at(22.4) });
    expect(draft.slip.state.cause?.code).toBe('provider_pending');
    expect(draft.slip.state.status).toBe('unknown');
  });

  test('grows while NOT_FOUND is what is heard at its end, so that the second one can be heard', () => {
    const draft = step(overdue(), at(22.1));
    tell(draft, told(answered(5, 'not_found'), at(22.2)));
    expect(draft.slip.nextStep).toEqual({ kind: 'inquire', at: at(24.45) });
    step(draft, at(24.45));
    tell(draft, told(answered(6, 'not_found', true), at(24.5)));
    expect(decisions(draft).slice(-3)).toEqual(['SlipNotReturned', 'SlipDiagnosed', 'RefundRequested']);
  });

  test('does not grow for ever', () => {
    const draft = step(overdue(), at(22.1));
    for (let inquiry = 5; draft.slip.nextStep?.kind !== 'inquire' || inquiry < 9; inquiry++) {
      if (caseOf(draft)) break;
      const asked = draft.decided.at(-1)!.at;
      tell(draft, told(answered(inquiry, 'not_found'), addMs(asked, 50)));
      step(draft, addMs(asked, 5_000));
    }
    expect(draft.slip.state.inquiries).toBe(7);
    expect(caseOf(draft)?.status).toBe('open');
  });

  test('is left alone when the last answer says that the outcome is on its way', () => {
    const draft = step(overdue(), at(22.1));
    const before = draft.slip.nextStep;
    tell(draft, told(answered(5, 'returned'), at(22.2)));
    expect(draft.slip.nextStep).toEqual(before);
  });

  test('ends when the slip has returned', () => {
    const draft = tell(
      overdue(),
      told(answered(1, 'returned'), at(11)),
      told(returned({ evidence: 'inquiry_answer' }), at(11)),
    );
    expect(draft.slip.nextStep).toBeNull();
    expect(decisions(draft).slice(2)).toEqual(['SlipDiagnosed', 'LateReturnFound']);
    expect(draft.slip.state.cause).toMatchObject({ code: 'callback_lost', class: 'third_party' });
  });
});

describe('the proof that nothing was executed', () => {
  const proved = () =>
    tell(overdue(), told(unanswered(), at(11)), told(answered(1, 'not_found', true), at(13)));

  test('gives the money back, in one decision', () => {
    const draft = proved();
    expect(draft.decided.slice(2).map(({ event }) => event)).toMatchObject([
      { type: 'SlipNotReturned', data: { basis: 'not_executed', deadline } },
      { type: 'SlipDiagnosed', data: { cause: { code: 'request_lost', class: 'network' } } },
      { type: 'RefundRequested', data: { basis: 'not_executed', requestedBy: 'reconciliation' } },
    ]);
    expect(draft.slip.nextStep).toBeNull();
  });

  test('closes a case that was opened meanwhile', () => {
    const draft = step(overdue(), at(60));
    tell(draft, told(answered(5, 'not_found', true), at(61)));
    expect(decisions(draft).slice(-4)).toEqual([
      'SlipNotReturned',
      'SlipDiagnosed',
      'RefundRequested',
      'CaseClosed',
    ]);
    expect(caseChangeOf(draft)).toMatchObject({ closed: { resolution: 'not_executed', at: at(61) } });
  });

  test('also counts when it was there before the verdict', () => {
    const draft = overdue(
      tell(
        sent(),
        told(notSent(), at(3)),
        told(answered(0, 'never_sent', true), at(5)),
        told(answered(1, 'never_sent', true), at(6)),
      ),
    );
    expect(decisions(draft)).toEqual(['SlipOverdue', 'SlipNotReturned', 'SlipDiagnosed', 'RefundRequested']);
  });

  test('repeated changes nothing', () => {
    const draft = proved();
    const count = draft.decided.length;
    tell(draft, told(answered(1, 'not_found', true), at(14)), told(answered(2, 'not_found', true), at(15)));
    expect(draft.decided).toHaveLength(count);
  });

  test('followed by a success before the refund settles the slip', () => {
    const draft = tell(proved(), told(returned(), at(14)), told(settled, at(15)));
    expect(draft.decided.at(-1)!.event).toMatchObject({
      type: 'LateReturnFound',
      data: { after: 'not_returned' },
    });
    expect(caseOf(draft)).toBeNull();
  });

  test('followed by a success after the refund is a case for people', () => {
    const draft = tell(proved(), told(refunded, at(14)), told(returned(), at(15)));
    expect(decisions(draft).slice(-3)).toEqual(['SlipDiagnosed', 'LateReturnFound', 'CaseOpened']);
    expect(caseOf(draft)?.reason).toBe('late_success_after_refund');
    expect(isFinished(draft.slip)).toBe(false);
  });

  test('a success that the refund crossed is the same case', () => {
    const draft = tell(proved(), told(returned(), at(14)), told(refunded, at(15)));
    expect(caseOf(draft)?.reason).toBe('late_success_after_refund');
  });
});

describe('a late answer', () => {
  test('closes the case that waited for it', () => {
    const draft = tell(step(overdue(), at(60)), told(acknowledged, at(61)), told(returned(), at(62)));
    expect(decisions(draft).slice(-3)).toEqual(['SlipDiagnosed', 'LateReturnFound', 'CaseClosed']);
    expect(caseChangeOf(draft)?.closed).toEqual({ resolution: 'returned', at: at(62) });
    tell(draft, told(settled, at(63)));
    expect(isFinished(draft.slip)).toBe(true);
  });

  test('heard twice is noted once', () => {
    const draft = tell(overdue(), told(returned(), at(11)));
    const count = draft.decided.length;
    tell(draft, told(returned(), at(12)));
    expect(draft.decided).toHaveLength(count);
  });
});

describe('another amount than asked for', () => {
  const other = returned({ amount: { amount: 1251n, currency: 'EUR' } });
  test('opens a case, in time or not', () => {
    expect(caseOf(tell(sent(), told(other, at(5))))?.reason).toBe('amount_mismatch');
    expect(caseOf(tell(overdue(), told(other, at(11))))?.reason).toBe('amount_mismatch');
  });
  test('takes the place of the case that waited for the answer', () => {
    const draft = tell(step(overdue(), at(60)), told(other, at(61)));
    expect(decisions(draft).slice(-2)).toEqual(['CaseClosed', 'CaseOpened']);
    expect(caseChangeOf(draft)).toMatchObject({ opened: { reason: 'amount_mismatch' }, closed: null });
  });
  test('means nothing when nothing was moved, or no amount was asked for', () => {
    const failed = returned({ outcome: 'failed', amount: { amount: 1n, currency: 'EUR' } });
    expect(caseOf(tell(sent(), told(failed, at(5))))).toBeNull();
    const free = tell(null, told(submitted({ amount: null }), at(0)), told(other, at(5)));
    expect(caseOf(free)).toBeNull();
  });
});

describe('a reported route', () => {
  const reported = submitted({ mode: 'reported', provider: null });
  test('waits as long as a ladder would last, then concludes that no answer came, and asks people', () => {
    const draft = overdue(tell(null, told(reported, at(0)), told(held, at(1))), at(11));
    expect(draft.slip.nextStep).toEqual({ kind: 'conclude', at: at(23) });
    step(draft, at(23));
    expect(draft.decided.slice(1).map(({ event }) => event)).toMatchObject([
      { type: 'SlipNotReturned', data: { basis: 'no_answer' } },
      { type: 'SlipDiagnosed', data: { cause: { code: 'no_report' } } },
      { type: 'CaseOpened', data: { reason: 'no_answer' } },
    ]);
    expect(decisions(draft)).not.toContain('RefundRequested');
  });
});

describe('an imported slip', () => {
  const imported = { clock: 'import-1' };
  const begun = () =>
    tell(
      null,
      told(submitted({ mode: 'reported', provider: null }), at(0), imported),
      told(held, at(500), { ...imported, receivedTime: at(500) }),
    );

  test('is only called overdue, and concluded when its clock is closed', () => {
    const draft = overdue(begun(), at(100));
    expect(decisions(draft)).toEqual(['SlipOverdue']);
    expect(draft.slip.nextStep).toBeNull();
    expect(isFinished(draft.slip)).toBe(false);
    concludeNoAnswer(draft, contextAt(at(100)));
    expect(draft.decided.slice(1)).toMatchObject([
      { event: { type: 'SlipNotReturned', data: { basis: 'no_answer' } }, receivedAt: at(100) },
      { event: { type: 'SlipDiagnosed', data: { cause: { code: 'no_acknowledgement' } } } },
    ]);
    expect(isFinished(draft.slip)).toBe(true);
  });

  test('that returned late is explained, without a case', () => {
    const draft = overdue(
      tell(
        begun(),
        told(returned({ evidence: 'report', amount: { amount: 1n, currency: 'EUR' } }), at(600), {
          ...imported,
          receivedTime: at(20),
        }),
      ),
      at(100),
    );
    expect(decisions(draft)).toEqual(['SlipOverdue', 'SlipDiagnosed', 'LateReturnFound']);
    expect(isFinished(draft.slip)).toBe(true);
  });

  test('that returned in time is in time, whenever it was read', () => {
    const draft = tell(begun(), told(returned(), at(600), { ...imported, receivedTime: at(10) }));
    expect(draft.slip.verdict).toBe('in_time');
  });
});
