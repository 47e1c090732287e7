import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import {
  acknowledged,
  answered,
  at,
  deadline,
  held,
  intended,
  notSent,
  policy,
  refunded,
  refused,
  returned,
  Story,
  settled,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { placeOf } from '../watch/watched-slip.ts';
import { answerWaitMs } from './ladder.ts';

const sent = () => new Story(told(submitted(), at(0)), told(held, at(1)), told(intended(), at(2)));
const overdue = (story = sent(), now = at(10.1)) => story.judge(now);
const caseOf = (story: Story) => story.slip.state.case;
/** Reasons of the case, with what resolved them. */
const reasonsOf = (story: Story) =>
  Object.fromEntries(caseOf(story)?.reasons.map(({ reason, resolution }) => [reason, resolution]) ?? []);

describe('a slip whose deadline passed', () => {
  test('is overdue and asked about at once when the ladder begins at 0', () => {
    const story = overdue();
    expect(story.slip.verdict).toBe('overdue');
    expect(story.decided.map(({ event }) => event)).toEqual([
      { type: 'SlipOverdue', data: { stage: 'returned', deadline } },
      { type: 'InquiryRequested', data: { inquiry: 1 } },
    ]);
    expect(story.slip.nextStep).toEqual({ kind: 'inquire', at: at(12.1) });
  });

  test('gets one verdict: judged again, or when it returned in time, nothing is said', () => {
    const count = overdue().decided.length;
    expect(overdue(overdue()).decided).toHaveLength(count);
    expect(overdue(sent().tell(told(returned(), deadline))).types()).toEqual([]);
  });

  test('has a verdict that says nothing but what the log says', () => {
    const [early] = overdue(sent(), at(10.1)).decided;
    const [late] = overdue(sent(), at(99)).decided;
    expect({ ...late, at: null }).toEqual({ ...early, at: null });
    expect(early).toMatchObject({ id: `overdue slip-1 returned ${deadline}`, receivedAt: deadline });
  });

  test('waits for its first rung when the ladder begins later', () => {
    const late = submitted({ policy: { ...policy, inquiryLadderMs: [3_000] } });
    const story = overdue(new Story(told(late, at(0)), told(held, at(1))), at(11));
    expect(story.types()).toEqual(['SlipOverdue']);
    expect(story.slip.nextStep).toEqual({ kind: 'inquire', at: at(14) });
  });

  test('stays overdue when its answer was read before the verdict: the answer is late, not the verdict false', () => {
    const story = sent().tell(told(returned(), at(10.05)));
    expect(story.slip.verdict).toBe('open');
    overdue(story);
    expect(story.types()).toEqual(['SlipOverdue', 'SlipDiagnosed', 'LateReturnFound']);
    expect(story.decided.at(-1)!.event.data).toEqual({ deadline, receivedAt: at(10.05), after: 'overdue' });
  });

  test('is in time when the answer was received by then, however late it was handled', () => {
    const handledLate = told(returned(), at(30), { receivedTime: deadline });
    expect(sent().tell(handledLate).slip.verdict).toBe('in_time');
    const micro = told(returned(), at(30), { receivedTime: addMs(deadline, 1) });
    expect(sent().tell(micro).slip.verdict).toBe('open');
  });

  test('gets no verdict when it was refused in time', () => {
    const story = new Story(told(submitted(), at(0)), told(refused, at(1)));
    expect(story.slip.verdict).toBe('in_time');
  });

  test('is only explained when it was refused too late', () => {
    const story = overdue(new Story(told(submitted(), at(0)), told(refused, at(10.05))));
    expect(story.types()).toEqual(['SlipOverdue', 'SlipDiagnosed']);
    expect(story.slip.state.cause?.code).toBe('hold_late');
    expect(placeOf(story.slip)).toBe('forgotten');
  });
});

describe('the ladder', () => {
  test('asks at its frozen times and then leaves the slip to people', () => {
    const story = overdue();
    story.stepUntil(at(60));
    const asked = story.decided.filter(({ event }) => event.type === 'InquiryRequested');
    expect(asked.map(({ at }) => at)).toEqual([at(10.1), at(12.1), at(14.1), at(18.1), at(22.1)]);
    expect(story.types().slice(-2)).toEqual(['SlipDiagnosed', 'CaseOpened']);
    expect(story.decided.at(-1)).toMatchObject({
      event: { data: { reason: 'inquiry_exhausted' } },
      at: addMs(at(22.1), answerWaitMs),
    });
    expect(story.types()).not.toContain('SlipNotReturned');
    expect(story.types()).not.toContain('RefundRequested');
  });

  test('ends without waiting when its last question was answered without proof', () => {
    const story = overdue().stepUntil(at(22.1));
    story.tell(told(answered(5, 'pending'), at(22.4)));
    story.stepUntil(at(22.4));
    expect(caseOf(story)).toMatchObject({ status: 'open', openedAt: at(22.4) });
    expect(story.slip.state.cause?.code).toBe('provider_pending');
    expect(story.slip.state.status).toBe('unknown');
  });

  test('grows while NOT_FOUND is what is heard at its end, so that the second one can be heard', () => {
    const story = overdue().stepUntil(at(22.1));
    story.tell(told(answered(5, 'not_found'), at(22.2)));
    expect(story.slip.nextStep).toEqual({ kind: 'inquire', at: at(24.45) });
    story.stepUntil(at(24.45));
    story.tell(told(answered(6, 'not_found', true), at(24.5)));
    expect(story.types().slice(-3)).toEqual(['SlipNotReturned', 'SlipDiagnosed', 'RefundRequested']);
  });

  test('does not grow for ever', () => {
    const story = overdue().stepUntil(at(22.1));
    for (let inquiry = 5; story.slip.nextStep?.kind !== 'inquire' || inquiry < 9; inquiry++) {
      if (caseOf(story)) break;
      const asked = story.decided.at(-1)!.at;
      story.tell(told(answered(inquiry, 'not_found'), addMs(asked, 50)));
      story.stepUntil(addMs(asked, 5_000));
    }
    expect(story.slip.state.inquiries).toBe(7);
    expect(caseOf(story)?.status).toBe('open');
  });

  test('begins at the verdict also when somebody had asked before', () => {
    const story = sent()
      .tell(told(answered(1, 'pending'), at(5)))
      .judge(at(10.1));
    expect(story.slip.nextStep).toEqual({ kind: 'inquire', at: at(12.1) });
    expect(story.stepUntil(at(12.1)).types()).toEqual(['SlipOverdue', 'InquiryRequested']);
  });

  test('is left alone when the last answer says that the outcome is on its way', () => {
    const story = overdue().stepUntil(at(22.1));
    const before = story.slip.nextStep;
    story.tell(told(answered(5, 'returned'), at(22.2)));
    expect(story.slip.nextStep).toEqual(before);
  });

  test('ends when the slip has returned', () => {
    const story = overdue().tell(
      told(answered(1, 'returned'), at(11)),
      told(returned({ evidence: 'inquiry_answer' }), at(11)),
    );
    expect(story.types().slice(2)).toEqual(['SlipDiagnosed', 'LateReturnFound']);
    expect(story.slip.state.cause).toMatchObject({ code: 'callback_lost', class: 'third_party' });
  });
});

describe('a callback that seems to be lost', () => {
  const recovered = () =>
    overdue(sent().tell(told(acknowledged, at(3)))).tell(
      told(answered(1, 'returned'), at(11)),
      told(returned({ evidence: 'inquiry_answer' }), at(11)),
      told(settled, at(12)),
    );

  test('is waited for when the slip has settled, for an hour', () => {
    const story = recovered();
    expect(placeOf(story.slip)).toBe('watched');
    story.stepUntil(at(11 + 3_599));
    expect(placeOf(story.slip)).toBe('watched');
    const said = story.types();
    story.stepUntil(at(11 + 3_600));
    expect(placeOf(story.slip)).toBe('forgotten');
    expect(story.types()).toEqual(said);
  });

  test('is diagnosed anew, once, when it comes: it was late and not lost', () => {
    const story = recovered();
    const callback = told(returned({ evidence: 'signed_callback' }), at(20));
    story.tell(callback);
    expect(story.types().slice(2)).toEqual(['SlipDiagnosed', 'LateReturnFound', 'SlipDiagnosed']);
    expect(story.slip.state.cause).toMatchObject({ code: 'provider_slow', class: 'third_party' });
    expect(story.slip.state.cause?.evidence).toContain(callback.id);
    expect(placeOf(story.slip)).toBe('forgotten');
    story.tell(told(returned({ evidence: 'signed_callback' }), at(20)));
    expect(story.types()).toHaveLength(5);
  });

  const refusals = (slips: number): SlipEvent => ({
    type: 'CallbackRefused',
    data: {
      provider: 'acme',
      callbacksRefused: { refused: 4, accepted: 0, slips, since: at(5), until: at(70) },
    },
  });

  test('is diagnosed anew, once, when those of other slips show that it was refused for our secret', () => {
    const story = recovered();
    const refused = told(refusals(2), at(75));
    story.tell(refused);
    expect(story.types().slice(2)).toEqual(['SlipDiagnosed', 'LateReturnFound', 'SlipDiagnosed']);
    expect(story.slip.state.cause).toMatchObject({
      code: 'callback_signature_refused',
      class: 'configuration',
    });
    expect(story.slip.state.cause?.evidence).toContain(refused.id);
    expect(placeOf(story.slip)).toBe('forgotten');
    expect(story.tell(refused).types()).toHaveLength(5);
  });

  test('stays lost, with less confidence, when what was refused shows nothing of our secret', () => {
    const story = recovered().tell(told(refusals(1), at(75)));
    expect(story.slip.state.cause).toMatchObject({ code: 'callback_lost', confidence: 60 });
  });

  test('is not told before it was missed', () => {
    const story = sent().tell(told(acknowledged, at(3)), told(refusals(2), at(9)));
    expect(story.types()).toEqual([]);
    overdue(story).tell(
      told(answered(1, 'returned'), at(11)),
      told(returned({ evidence: 'inquiry_answer' }), at(11)),
    );
    expect(story.slip.state.cause?.code).toBe('callback_signature_refused');
  });

  test('stays lost when what comes says otherwise', () => {
    const story = recovered().tell(told(returned({ outcome: 'failed' }), at(20)));
    expect(story.slip.state.cause?.code).not.toBe('provider_slow');
  });
});

describe('the proof that nothing was executed', () => {
  const proved = () =>
    overdue().tell(told(unanswered(), at(11)), told(answered(1, 'not_found', true), at(13)));

  test('gives the money back, in one decision', () => {
    const story = proved();
    expect(story.decided.slice(2).map(({ event }) => event)).toMatchObject([
      { type: 'SlipNotReturned', data: { basis: 'not_executed', deadline } },
      { type: 'SlipDiagnosed', data: { cause: { code: 'request_lost', class: 'network' } } },
      { type: 'RefundRequested', data: { basis: 'not_executed', requestedBy: 'reconciliation' } },
    ]);
    expect(story.slip.nextStep).toBeNull();
  });

  test('closes a case that was opened meanwhile', () => {
    const story = overdue().stepUntil(at(60));
    story.tell(told(answered(5, 'not_found', true), at(61)));
    expect(story.types().slice(-4)).toEqual([
      'SlipNotReturned',
      'SlipDiagnosed',
      'RefundRequested',
      'CaseClosed',
    ]);
    expect(caseOf(story)).toMatchObject({
      status: 'closed',
      reasons: [{ reason: 'inquiry_exhausted', resolution: 'not_executed', closedAt: at(61) }],
    });
  });

  test('gives the money back before the verdict, which comes all the same', () => {
    const story = overdue(
      sent().tell(
        told(notSent(), at(3)),
        told(answered(0, 'never_sent', true), at(5)),
        told(answered(1, 'never_sent', true), at(6)),
      ),
    );
    expect(story.types()).toEqual(['SlipNotReturned', 'SlipDiagnosed', 'RefundRequested', 'SlipOverdue']);
  });

  test('repeated changes nothing', () => {
    const story = proved();
    const count = story.decided.length;
    story.tell(told(answered(1, 'not_found', true), at(14)), told(answered(2, 'not_found', true), at(15)));
    expect(story.decided).toHaveLength(count);
  });

  test('followed by a success before the refund settles the slip', () => {
    const story = proved().tell(told(returned(), at(14)), told(settled, at(15)));
    expect(story.decided.at(-1)!.event).toMatchObject({
      type: 'LateReturnFound',
      data: { after: 'not_returned' },
    });
    expect(caseOf(story)).toBeNull();
  });

  test('followed by a success after the refund is a case for people', () => {
    const story = proved().tell(told(refunded, at(14)), told(returned(), at(15)));
    expect(story.types().slice(-4)).toEqual([
      ...['SlipDiagnosed', 'LateReturnFound', 'CaseOpened'],
      // Whoever was told of the refund must be told that it was wrong.
      'CaseNoted',
    ]);
    expect(story.decided.at(-1)!.event.data).toMatchObject({ code: 'correction_due' });
    expect(caseOf(story)?.reasons[0]?.summary).toBe(
      'After 12.50 EUR had been given back, the provider says succeeded.',
    );
    expect(caseOf(story)?.reason).toBe('late_success_after_refund');
    expect(placeOf(story.slip)).toBe('archived');
  });

  test('a success that the refund crossed is the same case', () => {
    const story = proved().tell(told(returned(), at(14)), told(refunded, at(15)));
    expect(caseOf(story)?.reason).toBe('late_success_after_refund');
  });
});

describe('a late answer', () => {
  test('closes the case that waited for it', () => {
    const story = overdue()
      .stepUntil(at(60))
      .tell(told(acknowledged, at(61)), told(returned(), at(62)));
    expect(story.types().slice(-3)).toEqual(['SlipDiagnosed', 'LateReturnFound', 'CaseClosed']);
    expect(reasonsOf(story)).toEqual({ inquiry_exhausted: 'returned' });
    expect(placeOf(story.slip)).toBe('watched');
    story.tell(told(settled, at(63)));
    expect(placeOf(story.slip)).toBe('forgotten');
  });

  test('heard twice is noted once', () => {
    const story = overdue().tell(told(returned(), at(11)));
    const count = story.decided.length;
    story.tell(told(returned(), at(12)));
    expect(story.decided).toHaveLength(count);
  });
});

describe('another amount than asked for', () => {
  const other = returned({ amount: { amount: 1251n, currency: 'EUR' } });
  test('opens a case, in time or not', () => {
    expect(caseOf(sent().tell(told(other, at(5))))?.reason).toBe('amount_mismatch');
    expect(caseOf(overdue().tell(told(other, at(11))))?.reason).toBe('amount_mismatch');
  });
  test('keeps the case open that waited for the answer', () => {
    const story = overdue()
      .stepUntil(at(60))
      .tell(told(other, at(61)));
    expect(story.types().slice(-2)).toEqual(['CaseClosed', 'CaseOpened']);
    expect(caseOf(story)).toMatchObject({ status: 'open', reason: 'amount_mismatch' });
    expect(reasonsOf(story)).toEqual({ inquiry_exhausted: 'returned', amount_mismatch: null });
  });
  test('names both amounts and both currencies', () => {
    const yen = returned({ amount: { amount: 125_000n, currency: 'JPY' } });
    expect(caseOf(sent().tell(told(yen, at(5))))?.reasons[0]?.summary).toBe(
      'The provider says that it moved 125000 JPY; the slip asked for 12.50 EUR.',
    );
  });
  test('stays open when the verdict falls after it: only what waited for the answer is resolved', () => {
    const story = overdue(sent().tell(told(other, at(10.05))));
    expect(story.types()).toEqual(['CaseOpened', 'SlipOverdue', 'SlipDiagnosed', 'LateReturnFound']);
    expect(reasonsOf(story)).toEqual({ amount_mismatch: null });
  });
  test('means nothing when nothing was moved, or no amount was asked for', () => {
    const failed = returned({ outcome: 'failed', amount: { amount: 1n, currency: 'EUR' } });
    expect(caseOf(sent().tell(told(failed, at(5))))).toBeNull();
    const free = new Story(told(submitted({ amount: null }), at(0)), told(other, at(5)));
    expect(caseOf(free)).toBeNull();
  });
});

describe('a rejection in time', () => {
  const failed = (reason: string | null) => returned({ outcome: 'failed', reason });
  test.each([
    ['AC04', 'rejected_for_payer', 'user'],
    ['AM04', 'rejected_for_payer', 'user'],
    ['MS03', 'provider_rejected', 'third_party'],
    ['sold_out', 'provider_rejected', 'third_party'],
    [null, 'provider_rejected', 'third_party'],
  ])('for the reason %s has the cause %s', (reason, code, causeClass) => {
    const story = sent().tell(told(failed(reason), at(5)));
    expect(story.decided.map(({ event }) => event)).toMatchObject([
      { type: 'SlipDiagnosed', data: { cause: { code, class: causeClass, evidence: [expect.any(String)] } } },
    ]);
    expect(story.tell(told(refunded, at(6))).types()).toEqual(['SlipDiagnosed']);
  });
  test('that is void has its cause, too', () => {
    const story = sent().tell(told(returned({ outcome: 'void' }), at(5)));
    expect(story.slip.state.cause?.code).toBe('provider_voided');
  });
  test('is told otherwise when a success denies it: then nobody may repeat the order', () => {
    const story = sent().tell(told(failed(null), at(5)), told(refunded, at(6)));
    expect(story.slip.state.cause?.remedy).toMatch(/may be submitted again/);
    expect(placeOf(story.slip)).toBe('archived');
    story.tell(told(returned(), at(30)));
    expect(story.types()).toEqual(['SlipDiagnosed', 'SlipDiagnosed', 'CaseOpened', 'CaseNoted']);
    expect(story.slip.state.cause?.remedy).toMatch(/^Do not repeat/);
  });
});

describe('a reported route', () => {
  const reported = submitted({ mode: 'reported', provider: null });
  test('waits as long as a ladder would last, then concludes that no answer came, and asks people', () => {
    const story = overdue(new Story(told(reported, at(0)), told(held, at(1))), at(11));
    expect(story.slip.nextStep).toEqual({ kind: 'conclude', at: at(23) });
    story.stepUntil(at(23));
    expect(story.decided.slice(1).map(({ event }) => event)).toMatchObject([
      { type: 'SlipNotReturned', data: { basis: 'no_answer' } },
      { type: 'SlipDiagnosed', data: { cause: { code: 'no_report' } } },
      { type: 'CaseOpened', data: { reason: 'no_answer' } },
    ]);
    expect(story.types()).not.toContain('RefundRequested');
  });
});

describe('an imported slip', () => {
  const imported = { clock: 'import-1' };
  const begun = () =>
    new Story(
      told(submitted({ mode: 'reported', provider: null }), at(0), imported),
      told(held, at(500), { ...imported, receivedTime: at(500) }),
    );

  test('is only called overdue, and concluded when its clock is closed', () => {
    const story = overdue(begun(), at(100));
    expect(story.types()).toEqual(['SlipOverdue']);
    expect(story.slip.nextStep).toBeNull();
    expect(placeOf(story.slip)).toBe('watched');
    story.decide({ type: 'clock_closed' }, at(100));
    expect(story.decided.slice(1)).toMatchObject([
      { event: { type: 'SlipNotReturned', data: { basis: 'no_answer' } }, receivedAt: at(100) },
      { event: { type: 'SlipDiagnosed', data: { cause: { code: 'no_acknowledgement' } } } },
    ]);
    expect(placeOf(story.slip)).toBe('forgotten');
  });

  test('that returned late is explained, without a case', () => {
    const story = overdue(
      begun().tell(
        told(returned({ evidence: 'report', amount: { amount: 1n, currency: 'EUR' } }), at(600), {
          ...imported,
          receivedTime: at(20),
        }),
      ),
      at(100),
    );
    expect(story.types()).toEqual(['SlipOverdue', 'SlipDiagnosed', 'LateReturnFound']);
    expect(placeOf(story.slip)).toBe('forgotten');
  });

  test('that returned in time is in time, whenever it was read', () => {
    const story = begun().tell(told(returned(), at(600), { ...imported, receivedTime: at(10) }));
    expect(story.slip.verdict).toBe('in_time');
  });
});
