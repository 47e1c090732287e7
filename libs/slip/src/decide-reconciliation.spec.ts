import { describe, expect, it } from '@jest/globals';
import * as c from './specification/commands.ts';
import * as e from './specification/events.ts';
import { given, late } from './specification/given.ts';

const sent = [e.submitted(), e.held, e.intended()];
const reported = [e.submitted({ mode: 'reported' }), e.held];
const lost = [...sent, e.unanswered(), e.overdue()];
const proof = e.inquiryAnswered('not_found', { provesNotExecuted: true });
const proved = [...lost, e.inquiryRequested(), proof];

describe('the verdict', () => {
  it('is overdue exactly when no answer was received by the deadline', () => {
    expect(given(...sent).when(c.markOverdue)).toEqual([e.overdue()]);
    expect(given(...sent, e.returned()).when(c.markOverdue)).toEqual([]);
    expect(given(...sent, late(e.returned())).when(c.markOverdue)).toEqual([e.overdue()]);
    expect(given(...sent, late(e.returned()), e.settled).when(c.markOverdue)).toEqual([e.overdue()]);
    expect(given(...lost).when(c.markOverdue)).toEqual([]);
    expect(given(e.submitted(), e.holdRefused).when(c.markOverdue)).toEqual([]);
  });

  it('counts an answer received at the deadline as in time', () => {
    const deadline = '2026-11-22T10:00:03.000000Z';
    const answered = given(...sent, e.returned());
    expect(answered.when({ type: 'mark_overdue', stage: 'returned', deadline })).toEqual([]);
    const earlier = '2026-11-22T10:00:02.999999Z';
    expect(answered.when({ type: 'mark_overdue', stage: 'returned', deadline: earlier })).toHaveLength(1);
  });

  it.each([
    ['submitted', [e.submitted()], e.held],
    ['review', [e.submitted({ reviewRequired: true })], e.held],
    ['held', [e.submitted(), e.held], e.intended()],
    ['dispatching', sent, e.acknowledged],
  ] as const)('of stage %s falls while nothing ended it', (stage, events, end) => {
    const command = { type: 'mark_overdue', stage, deadline: e.deadline } as const;
    expect(given(...events).when(command)).toEqual([e.overdue(stage)]);
    expect(given(...events, end).when(command)).toEqual([]);
  });

  it('takes note of a late answer, once', () => {
    const found = (after: string) => ({
      type: 'LateReturnFound',
      data: { deadline: e.deadline, receivedAt: '2026-11-22T10:06:00.000000Z', after },
    });
    const note = { type: 'note_late_return' } as const;
    expect(given(...lost, late(e.returned())).when(note)).toEqual([found('overdue')]);
    expect(given(...proved, e.notReturned(), late(e.returned())).when(note)).toEqual([found('not_returned')]);
    expect(given(...lost, late(e.returned()), e.lateReturnFound).when(note)).toEqual([]);
    expect(given(...sent, e.returned()).when(note)).toEqual([]);
    expect(given(...lost).when(note)).toEqual([]);
    expect(given(...sent, late(e.returned())).when(note)).toEqual([]);
    expect(given(...lost, e.notReturned(), e.returned()).when(note)).toEqual([]);
  });
});

describe('the search', () => {
  it('asks each inquiry once, until there is an answer', () => {
    expect(given(...lost).when(c.requestInquiry())).toEqual([e.inquiryRequested()]);
    expect(given(...lost, e.inquiryRequested()).when(c.requestInquiry())).toEqual([]);
    expect(given(...lost, e.inquiryRequested()).when(c.requestInquiry(2))).toEqual([e.inquiryRequested(2)]);
    expect(given(...lost, late(e.returned())).when(c.requestInquiry())).toEqual([]);
  });

  it('asks nobody about a reported slip', () => {
    expect(given(...reported, e.overdue()).when(c.requestInquiry())).toEqual([]);
  });

  it('concludes not returned from a proof, or where nobody can be asked', () => {
    expect(given(...proved).when(c.conclude())).toEqual([e.notReturned()]);
    expect(given(...reported, e.overdue()).when(c.conclude('no_answer'))).toEqual([
      e.notReturned('no_answer'),
    ]);
  });

  it('never concludes it from silence, before the verdict, or against an answer', () => {
    expect(given(...lost).when(c.conclude())).toEqual([]);
    expect(given(...lost).when(c.conclude('no_answer'))).toEqual([]);
    expect(given(...reported).when(c.conclude('no_answer'))).toEqual([]);
    expect(given(...proved, late(e.returned())).when(c.conclude())).toEqual([]);
    expect(given(...proved, e.notReturned()).when(c.conclude())).toEqual([]);
  });

  it('asks for a refund only with the proof, once', () => {
    const verdict = [...proved, e.notReturned()];
    const noAnswer = { type: 'request_refund', basis: 'no_answer', requestedBy: 'ops' } as const;
    expect(given(...verdict).when(c.requestRefund)).toEqual([e.refundRequested]);
    expect(given(...verdict).when(noAnswer)).toEqual([]);
    expect(given(...proved).when(c.requestRefund)).toEqual([]);
    expect(given(...verdict, e.refundRequested).when(c.requestRefund)).toEqual([]);
    expect(given(...verdict, late(e.returned())).when(c.requestRefund)).toEqual([]);
    expect(given(...reported, e.overdue(), e.notReturned('no_answer')).when(c.requestRefund)).toEqual([]);
  });
});

describe('the case', () => {
  const open = (reason: string) => ({ type: 'open_case', reason, summary: '' }) as const;

  it('tells a cause when it is another than the current one', () => {
    const { data } = e.diagnosed() as Extract<ReturnType<typeof e.diagnosed>, { type: 'SlipDiagnosed' }>;
    const diagnose = {
      type: 'diagnose',
      cause: { ...data.cause, evidence: [...data.cause.evidence] },
    } as const;
    expect(given(...lost).when(diagnose)).toEqual([e.diagnosed()]);
    expect(given(...lost, e.diagnosed()).when(diagnose)).toEqual([]);
    expect(given(...lost, e.diagnosed('provider_outage')).when(diagnose)).toEqual([e.diagnosed()]);
  });

  it('is opened once for a reason, and closed once', () => {
    const close = { type: 'close_case', resolution: 'by statement' } as const;
    expect(given(...lost).when(open('ladder_exhausted'))).toEqual([e.caseOpened()]);
    expect(given(...lost, e.caseOpened()).when(open('conflict'))).toEqual([]);
    expect(given(...lost, e.caseOpened()).when(close)).toEqual([e.caseClosed]);
    expect(given(...lost, e.caseOpened(), e.caseClosed).when(close)).toEqual([]);
    expect(given(...lost, e.caseOpened(), e.caseClosed).when(open('ladder_exhausted'))).toEqual([]);
    expect(given(...lost, e.caseOpened(), e.caseClosed).when(open('conflict'))).toHaveLength(1);
  });
});
