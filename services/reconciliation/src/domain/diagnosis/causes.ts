import { type Cause, type CauseCode, causes } from '@slipstream/slip';
import { type Proof, remedyOf } from './remedy.ts';

interface CauseText {
  /** One sentence that may be shown to a customer: no internals, no names of providers. */
  readonly summary: string;
  /** What to look at. Whether the slip may be repeated is no matter of its cause: see {@link remedyOf}. */
  readonly advice: string;
}

/** The words for every cause. */
export const causeTexts: Readonly<Record<CauseCode, CauseText>> = {
  hold_late: {
    summary: 'The funds were not confirmed in time, so the order was not passed on.',
    advice: 'Look at the lag of the ledger.',
  },
  never_dispatched: {
    summary: 'The order was not passed on to the provider in time.',
    advice: 'Look at the lag and health of the provider gateway.',
  },
  gateway_interrupted: {
    summary: 'Our own service was interrupted while it was talking to the provider.',
    advice: 'Look for restarts of the provider gateway.',
  },
  provider_unreachable: {
    summary: 'The provider could not be reached.',
    advice: 'Look at the health of the provider and of the network between.',
  },
  request_lost: {
    summary: 'The order was sent, but the provider never received it.',
    advice: 'Look for dropped connections to the provider.',
  },
  reply_lost: {
    summary: 'The provider did the work, but its reply did not reach us.',
    advice: 'Look for dropped connections to the provider.',
  },
  callback_lost: {
    summary: 'The provider did the work, but never sent its final answer.',
    advice: 'Ask the provider for its log of callbacks for this slip.',
  },
  provider_slow: {
    summary: 'The provider answered after the deadline.',
    advice: 'Compare the provider’s usual time with the route’s deadline.',
  },
  provider_pending: {
    summary: 'The provider is still working on the order.',
    advice: 'Ask the provider when it will be done.',
  },
  provider_busy: {
    summary: 'The provider took no more orders at the time.',
    advice: 'Spread the load on the provider.',
  },
  provider_error: {
    summary: 'The provider had an error of its own.',
    advice: 'Give the provider the time and the slip’s id.',
  },
  garbage_answer: {
    summary: 'The provider’s answer could not be understood.',
    advice: 'Send the provider the recorded attempt; its interface may have changed.',
  },
  provider_dropped: {
    summary: 'The provider accepted the order and later did not know it.',
    advice: 'Ask the provider what became of its acknowledgement.',
  },
  provider_rejected: {
    summary: 'The provider rejected the order.',
    advice: 'Ask the provider about the reason that it gave.',
  },
  provider_voided: {
    summary: 'The provider cancelled the order.',
    advice: 'Ask the provider about the reason that it gave.',
  },
  rejected_for_payer: {
    summary: 'The order was rejected for a reason that lies with the payer or the payee.',
    advice: 'Let the account or the details that the provider’s reason names be put right first.',
  },
  no_report: {
    summary: 'Nobody reported an answer of the provider.',
    advice: 'Ask the service that reports for this route, then the provider.',
  },
  no_acknowledgement: {
    summary: 'The order was never acknowledged.',
    advice: 'Ask the provider whether it ever received the order.',
  },
  silent_after_acknowledgement: {
    summary: 'The order was acknowledged, and nothing was heard of it afterwards.',
    advice: 'Ask the provider what became of the order.',
  },
  silent_after_progress: {
    summary: 'The order was under way, and nothing was heard of it afterwards.',
    advice: 'Ask the provider what became of the order after its last step.',
  },
  undetermined: {
    summary: 'We do not know yet why the answer is missing.',
    advice: 'Compare with the provider’s statement, or ask the provider.',
  },
};

/** `confidence`: 0 (a guess) to 100 (proved). `evidence`: ids of the events that show it. */
export function causeOf(
  code: CauseCode,
  proof: Proof,
  confidence: number,
  evidence: readonly string[],
): Cause {
  const { summary, advice } = causeTexts[code];
  return { class: causes[code].class, code, confidence, summary, remedy: remedyOf(proof, advice), evidence };
}
