import { addMs, type Instant } from '@slipstream/kernel';
import type { Dispatch } from '../dispatch/state.ts';
import type { ProviderAnswer } from './answer.ts';

/** Whether a provider's failures are its last word, and how long a question to it may take. */
export interface FinalityTerms {
  /** False: a success may follow until the deadline, as when a payer tries another card on the same payment. */
  readonly failuresFinal: boolean;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
}

/** The step under which a failure is told that a success may still follow. */
export const declinedStep = 'declined';
/** Beyond the time that the last question may take: for the commit of its answer. */
const marginMs = 500;

/** From when a failure is the end all the same: the last question before the deadline can be answered in time. */
export function failuresCountFrom({ deadline }: Dispatch, terms: FinalityTerms): Instant {
  return addMs(deadline, -(terms.connectTimeoutMs + terms.answerTimeoutMs + marginMs));
}

/** The answer as it counts now: a failure that is not final is a step. `terms` null: the provider is not configured any more. */
export function asItCounts(
  answer: ProviderAnswer,
  dispatch: Dispatch,
  now: Instant,
  terms: FinalityTerms | null,
): ProviderAnswer {
  if (answer.kind !== 'returned' || answer.outcome !== 'failed' || dispatch.outcome !== null) return answer;
  if (terms === null || terms.failuresFinal || now >= failuresCountFrom(dispatch, terms)) return answer;
  const { providerReference, providerTime } = answer;
  return { kind: 'progressed', step: declinedStep, providerReference, providerTime };
}
