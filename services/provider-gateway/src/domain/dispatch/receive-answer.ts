import type { Instant } from '@slipstream/kernel';
import { unreachable } from '@slipstream/kernel';
import { providerHasSpoken, type SlipEvent } from '@slipstream/slip';
import type { ProviderAnswer } from '../provider/answer.ts';
import { type Dispatch, type KeptAnswer, pending, type Step, unchanged } from './state.ts';

/**
 * What an answer came to. `orphan`: it is about nothing that was handed to this provider. `contradiction`: it denies
 * the recorded outcome; the first answer stands and people look at it.
 */
export type Reception = 'recorded' | 'repeated' | 'contradiction' | 'orphan';

export interface Received extends Step {
  readonly reception: Reception;
}

export interface Receipt {
  readonly answer: ProviderAnswer;
  readonly evidence: KeptAnswer['evidence'];
  /** When the evidence became durable; null: with this very commit. */
  readonly receivedAt: Instant | null;
  /** The time to note for an answer that is kept for later. */
  readonly now: Instant;
}

/** Takes a provider's word about a slip, on whatever way it came. Idempotent: the same word again changes nothing. */
export function receiveAnswer(dispatch: Dispatch, receipt: Receipt): Received {
  if (!mayAnswer(dispatch)) return { ...unchanged(dispatch), reception: 'orphan' };
  const { answer, evidence, receivedAt } = receipt;
  const { provider } = dispatch;
  const { providerReference, providerTime } = answer;
  const spoken: Dispatch = {
    ...dispatch,
    status: dispatch.outcome === null ? 'answered' : dispatch.status,
    sentMaybe: true,
    leaseUntil: null,
    nextAt: null,
    providerReference: dispatch.providerReference ?? providerReference,
  };
  const recorded = (next: Dispatch, event: SlipEvent): Received => ({
    dispatch: next,
    events: [pending(next, event, receivedAt)],
    inquiries: [],
    reception: 'recorded',
  });
  switch (answer.kind) {
    case 'acknowledged':
      // Whoever works on the slip has taken it: an acknowledgement behind a step says nothing new.
      if (providerHasSpoken(dispatch)) return repeated(dispatch);
      return recorded(
        { ...spoken, acknowledged: true },
        { type: 'SlipAcknowledged', data: { provider, providerReference, evidence, providerTime } },
      );
    case 'progressed':
      if (dispatch.lastStep === answer.step || dispatch.outcome !== null) return repeated(dispatch);
      return recorded(
        { ...spoken, lastStep: answer.step },
        { type: 'SlipProgressed', data: { provider, step: answer.step, evidence, providerTime } },
      );
    case 'returned':
      if (dispatch.outcome !== null) return returnedAgain(dispatch, { ...receipt, answer });
      return recorded(
        { ...spoken, status: 'returned', outcome: answer.outcome, evidence },
        slipReturned(provider, answer, evidence),
      );
    default:
      return unreachable(answer);
  }
}

/** A provider can only answer what was, or may have been, handed to it. */
function mayAnswer({ mode, status, attempt }: Dispatch): boolean {
  if (status === 'submitted' || status === 'refused') return false;
  return mode === 'reported' || attempt > 0;
}

function repeated(dispatch: Dispatch): Received {
  return { ...unchanged(dispatch), reception: 'repeated' };
}

/** The first answer stands; but a success after a recorded failure means money moved, and must reach the ledger once. */
function returnedAgain(dispatch: Dispatch, receipt: Receipt & { answer: KeptAnswer['answer'] }): Received {
  const { answer, evidence } = receipt;
  if (answer.outcome === dispatch.outcome) return repeated(dispatch);
  const contradiction = { ...unchanged(dispatch), reception: 'contradiction' } as const;
  if (answer.outcome !== 'succeeded' || dispatch.lateSuccess !== null) return contradiction;
  const { provider } = dispatch;
  const kept = { answer, evidence, receivedAt: receipt.receivedAt ?? receipt.now, provider };
  return { ...publishLateSuccess({ ...dispatch, lateSuccess: kept }), reception: 'contradiction' };
}

/** Publishes a kept late success when the refund is known. Before it, the ledger could take it for the first answer. */
export function publishLateSuccess(dispatch: Dispatch): Step {
  const kept = dispatch.lateSuccess;
  if (kept === null || !dispatch.refunded || dispatch.outcome === 'succeeded') return unchanged(dispatch);
  const next: Dispatch = { ...dispatch, outcome: 'succeeded', evidence: kept.evidence };
  const event = slipReturned(kept.provider ?? dispatch.provider, kept.answer, kept.evidence);
  return {
    dispatch: next,
    events: [pending(next, event, kept.receivedAt)],
    inquiries: [],
  };
}

export function slipReturned(
  provider: string | null,
  answer: KeptAnswer['answer'],
  evidence: KeptAnswer['evidence'],
): SlipEvent {
  const { outcome, reason, amount, providerReference, providerTime } = answer;
  return {
    type: 'SlipReturned',
    data: { provider, outcome, reason, amount, evidence, providerReference, providerTime },
  };
}
