import { expect, test } from '@jest/globals';
import { denied } from '../domain/dispatch/spec-support.ts';
import type { CancelOutcome, InquiryOutcome } from '../domain/provider/answer.ts';
import { cancelDenied } from './cancel-denied.ts';

const raw = { status: 200, body: Buffer.from('cancelled') };
const pending: CancelOutcome & InquiryOutcome = {
  kind: 'answered',
  answer: { kind: 'acknowledged', providerReference: null, providerTime: null },
};
const silent: CancelOutcome & InquiryOutcome = { kind: 'no_answer', detail: 'timeout' };

/** The question and the cancellation behind it, in the order in which they began and ended. */
async function ask(outcome: InquiryOutcome, said: CancelOutcome | null) {
  const steps: string[] = [];
  const released = Promise.resolve().then(() => void steps.push('place free'));
  const cancel = async (slipId: string) => {
    steps.push(`cancel ${slipId}`);
    return { outcome: said!, released: Promise.resolve() };
  };
  const provider = { cancel: said && cancel };
  const ended = await cancelDenied(
    provider,
    's-1',
    { n: 1, route: 'default', traceparent: '' },
    { outcome, released },
  );
  return { outcome: ended.outcome, steps };
}

test('what its provider does not know is cancelled, when the question holds no connection any more', async () => {
  const { outcome, steps } = await ask(denied, { kind: 'cancelled', raw });
  expect(outcome).toEqual({ ...denied, cancelled: raw });
  expect(steps).toEqual(['place free', 'cancel s-1']);
});

test('what it says of it instead is the answer', async () => {
  expect((await ask(denied, pending)).outcome).toEqual(pending);
});

test('without a confirmation its NOT_FOUND is what it was', async () => {
  expect((await ask(denied, silent)).outcome).toEqual(denied);
});

test.each([
  ['of what it knows', pending, { kind: 'cancelled', raw } as const],
  ['of what it says nothing about', silent, { kind: 'cancelled', raw } as const],
  ['at one that takes no cancellations', denied, null],
])('nothing is cancelled %s', async (_, asked, said) => {
  const { outcome, steps } = await ask(asked, said);
  expect(outcome).toEqual(asked);
  expect(steps).not.toContain('cancel s-1');
});
