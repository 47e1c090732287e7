import type { Cause, CauseClass } from '@slipstream/slip';

interface CauseText {
  readonly class: CauseClass;
  /** One sentence that may be shown to a customer: no internals, no names of providers. */
  readonly summary: string;
  readonly remedy: string;
}

/** Every cause this service can name. Codes are stored for ever: add, never rename. */
export const causes = {
  hold_late: {
    class: 'system',
    summary: 'The funds were not confirmed in time, so the order was not passed on.',
    remedy: 'Look at the lag of the ledger; submit the slip again once its funds are confirmed.',
  },
  never_dispatched: {
    class: 'system',
    summary: 'The order was not passed on to the provider in time.',
    remedy: 'Look at the lag and health of the provider gateway; submit the slip again.',
  },
  gateway_interrupted: {
    class: 'system',
    summary: 'Our own service was interrupted while it was talking to the provider.',
    remedy: 'Nothing is to be done for this slip; look for restarts of the provider gateway.',
  },
  provider_unreachable: {
    class: 'network',
    summary: 'The provider could not be reached.',
    remedy: 'Look at the health of the provider and of the network between; submit again when it is back.',
  },
  request_lost: {
    class: 'network',
    summary: 'The order was sent, but the provider never received it.',
    remedy: 'Submit the slip again; look for dropped connections to the provider.',
  },
  reply_lost: {
    class: 'network',
    summary: 'The provider did the work, but its reply did not reach us.',
    remedy: 'Nothing is to be done for this slip; look for dropped connections to the provider.',
  },
  callback_lost: {
    class: 'third_party',
    summary: 'The provider did the work, but never sent its final answer.',
    remedy: 'Ask the provider for its log of callbacks for this slip.',
  },
  provider_slow: {
    class: 'third_party',
    summary: 'The provider answered after the deadline.',
    remedy: 'Compare the provider’s usual time with the route’s deadline.',
  },
  provider_pending: {
    class: 'third_party',
    summary: 'The provider is still working on the order.',
    remedy: 'Ask the provider when it will be done; do not repeat the order meanwhile.',
  },
  provider_busy: {
    class: 'third_party',
    summary: 'The provider took no more orders at the time.',
    remedy: 'Submit the slip again later, or spread the load.',
  },
  provider_error: {
    class: 'third_party',
    summary: 'The provider had an error of its own.',
    remedy: 'Give the provider the time and the slip’s id; submit again if nothing was executed.',
  },
  garbage_answer: {
    class: 'third_party',
    summary: 'The provider’s answer could not be understood.',
    remedy: 'Send the provider the recorded attempt; its interface may have changed.',
  },
  provider_dropped: {
    class: 'third_party',
    summary: 'The provider accepted the order and later did not know it.',
    remedy: 'Ask the provider what became of its acknowledgement; submit again.',
  },
  no_report: {
    class: 'third_party',
    summary: 'Nobody reported an answer of the provider.',
    remedy: 'Ask the service that reports for this route, then the provider.',
  },
  no_acknowledgement: {
    class: 'third_party',
    summary: 'The order was never acknowledged.',
    remedy: 'Ask the provider whether it ever received the order.',
  },
  silent_after_acknowledgement: {
    class: 'third_party',
    summary: 'The order was acknowledged, and nothing was heard of it afterwards.',
    remedy: 'Ask the provider what became of the order.',
  },
  silent_after_progress: {
    class: 'third_party',
    summary: 'The order was under way, and nothing was heard of it afterwards.',
    remedy: 'Ask the provider what became of the order after its last step.',
  },
  undetermined: {
    class: 'undetermined',
    summary: 'We do not know yet why the answer is missing.',
    remedy: 'Compare with the provider’s statement, or ask the provider.',
  },
} as const satisfies Record<string, CauseText>;

export type CauseCode = keyof typeof causes;

export function causeOf(code: CauseCode, confidence: number, evidence: readonly string[]): Cause {
  const { class: causeClass, summary, remedy } = causes[code];
  return { class: causeClass, code, confidence, summary, remedy, evidence };
}
