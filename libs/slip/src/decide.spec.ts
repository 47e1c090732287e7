import { describe, expect, it } from '@jest/globals';
import { decide } from './decide.ts';
import * as c from './specification/commands.ts';
import * as e from './specification/events.ts';
import { given, late } from './specification/given.ts';

const held = [e.submitted(), e.held];
const sent = [...held, e.intended()];
const reported = [e.submitted({ mode: 'reported' }), e.held];
const lost = [...sent, e.unanswered(), e.overdue()];
const proof = e.inquiryAnswered('not_found', { provesNotExecuted: true });
const proved = [...lost, e.inquiryRequested(), proof];
const asked = [...proved, e.notReturned(), e.refundRequested];
const refusal = (reason: string) => ({ type: 'RefundRefused', data: { reason } });

describe('nothing is decided', () => {
  it('about a slip whose terms are not known', () => {
    for (const command of c.commands) {
      expect(decide(null, command)).toEqual([]);
      expect(given(e.held).when(command)).toEqual([]);
    }
  });
});

describe('the gateway', () => {
  it('writes its intent ahead of the call, once funds are held', () => {
    expect(given(...held).when(c.intendDispatch())).toEqual([e.intended()]);
    expect(given(e.submitted()).when(c.intendDispatch())).toEqual([]);
  });

  it('tries again only when provably nothing left', () => {
    expect(given(...sent, e.notSent()).when(c.intendDispatch(2))).toEqual([e.intended(2)]);
  });

  it.each([
    ['while an attempt is open', sent],
    ['after an unanswered call', [...sent, e.unanswered()]],
    ['after an earlier unanswered call', [...sent, e.intended(2), e.unanswered(1), e.notSent(2)]],
    ['after any word of the provider', [...sent, e.notSent(), e.acknowledged]],
    ['past the deadline', [...sent, e.notSent(), e.overdue()]],
    ['after it was proved not executed', [...sent, e.notSent(), e.inquiryRequested(), proof]],
    ['on a reported route', [...reported, e.notSent()]],
    ['after the refund', [...sent, e.notSent(), e.refunded]],
  ])('does not dispatch %s', (_, events) => {
    const slip = given(...events);
    expect(slip.when(c.intendDispatch(slip.state.attempts + 1))).toEqual([]);
  });

  it('does not skip or repeat an attempt number', () => {
    expect(given(...held).when(c.intendDispatch(2))).toEqual([]);
    expect(given(...sent, e.notSent()).when(c.intendDispatch(1))).toEqual([]);
  });

  it('ends an attempt once', () => {
    expect(given(...sent).when(c.record(e.notSent()))).toEqual([e.notSent()]);
    expect(given(...sent).when(c.record(e.unanswered()))).toEqual([e.unanswered()]);
    expect(given(...sent, e.unanswered()).when(c.record(e.notSent()))).toEqual([]);
    expect(given(...sent, e.acknowledged).when(c.record(e.unanswered()))).toEqual([]);
    expect(given(...sent).when(c.record(e.unanswered(2)))).toEqual([]);
  });

  it('records the first answer, and leaves a repeat or a denial to its caller', () => {
    expect(given(...sent).when(c.record(e.returned()))).toEqual([e.returned()]);
    expect(given(...lost).when(c.record(e.returned('failed')))).toEqual([e.returned('failed')]);
    expect(given(...sent, e.returned()).when(c.record(e.returned()))).toEqual([]);
    expect(given(...sent, e.returned()).when(c.record(e.returned('failed')))).toEqual([]);
  });

  it('records an answer even after the refund: evidence is never dropped', () => {
    expect(given(...asked, e.refunded).when(c.record(e.returned()))).toEqual([e.returned()]);
  });

  it('takes no answer about a slip that it never tried to send', () => {
    for (const event of [e.acknowledged, e.progressed(), e.returned()]) {
      expect(given(...held).when(c.record(event))).toEqual([]);
      expect(given(...reported).when(c.record(event))).toEqual([event]);
    }
  });

  it('records each step once, and none after the answer', () => {
    expect(given(...sent, e.progressed()).when(c.record(e.progressed()))).toEqual([]);
    expect(given(...sent, e.progressed()).when(c.record(e.progressed('delivered')))).toHaveLength(1);
    expect(given(...sent, e.returned()).when(c.record(e.progressed()))).toEqual([]);
  });

  it('answers an inquiry that was asked, once', () => {
    const inquiring = [...lost, e.inquiryRequested()];
    expect(given(...inquiring).when(c.record(e.inquiryAnswered()))).toEqual([e.inquiryAnswered()]);
    expect(given(...lost).when(c.record(e.inquiryAnswered()))).toEqual([]);
    expect(given(...inquiring, e.inquiryAnswered()).when(c.record(proof))).toEqual([]);
  });

  it('proves nothing while a call is under way or against an answer', () => {
    const neverSent = e.inquiryAnswered('never_sent', { provesNotExecuted: true });
    expect(given(...sent, e.inquiryRequested()).when(c.record(proof))).toEqual([]);
    expect(given(...sent, e.returned(), e.inquiryRequested()).when(c.record(proof))).toEqual([]);
    expect(given(...lost, e.inquiryRequested()).when(c.record(neverSent))).toEqual([]);
    expect(given(...held, e.inquiryRequested()).when(c.record(neverSent))).toEqual([neverSent]);
  });
});

describe('the ledger', () => {
  it('answers a submission once', () => {
    expect(given(e.submitted()).when(c.hold)).toEqual([e.held]);
    expect(given(e.submitted()).when(c.refuseHold)).toEqual([e.holdRefused]);
    expect(given(...held).when(c.refuseHold)).toEqual([]);
    expect(given(e.submitted(), e.holdRefused).when(c.hold)).toEqual([]);
    expect(given(e.submitted({ reviewRequired: true })).when(c.hold)).toEqual([]);
  });

  it('settles a success, and gives a failure back', () => {
    expect(given(...sent, e.returned()).when(c.settle)).toEqual([e.settled]);
    expect(given(...sent, e.returned('failed')).when(c.refund)).toEqual([e.refunded]);
    expect(given(...sent, e.returned('void')).when(c.refund)).toEqual([e.refunded]);
    expect(given(...sent, e.returned('failed')).when(c.settle)).toEqual([]);
    expect(given(...sent).when(c.settle)).toEqual([]);
    expect(given(...sent).when(c.refund)).toEqual([]);
  });

  it('settles a success that came after the verdict and before the refund', () => {
    expect(given(...asked, late(e.returned())).when(c.settle)).toEqual([e.settled]);
  });

  it('obeys a refund request, or refuses it once', () => {
    expect(given(...asked).when(c.refund)).toEqual([e.refunded]);
    const tooLate = [...asked, late(e.returned())];
    expect(given(...tooLate).when(c.refund)).toEqual([refusal('outcome_succeeded')]);
    expect(given(...tooLate, e.settled).when(c.refund)).toEqual([refusal('already_settled')]);
    expect(given(...tooLate, e.settled, e.refundRefused).when(c.refund)).toEqual([]);
    expect(given(e.submitted(), e.refundRequested).when(c.refund)).toEqual([refusal('nothing_held')]);
    expect(given(...sent, e.returned(), e.settled).when(c.refund)).toEqual([]);
  });

  it('compensates a success after the refund, once', () => {
    const conflicted = [...asked, e.refunded, late(e.returned())];
    expect(given(...conflicted).when(c.compensate)).toEqual([e.compensated]);
    expect(given(...conflicted, e.compensated).when(c.compensate)).toEqual([]);
    expect(given(...conflicted).when(c.settle)).toEqual([]);
    expect(given(...conflicted).when(c.refund)).toEqual([]);
    expect(given(...asked, e.refunded).when(c.compensate)).toEqual([]);
  });
});
