import type { Instant } from '@slipstream/kernel';
import { unreachable } from '@slipstream/kernel';
import { type Evidence, providerHasSpoken, type SlipEvent } from '@slipstream/slip';
import type { ProviderAnswer } from '../provider/answer.ts';
import { type Dispatch, type KeptAnswer, pending, type Step, unchanged } from './state.ts';
import { telling, toldMax, wasLearntLate, wasTold } from './told.ts';

/**
 * What an answer came to. `orphan`: it is about nothing that was handed to this provider. `contradiction`: it says
 * otherwise than the recorded outcome; the first answer stands, and people look at it. `doubtful`: it settles nothing.
 */
export type Reception = 'recorded' | 'repeated' | 'contradiction' | 'doubtful' | 'orphan';

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
    case 'returned': {
      if (dispatch.outcome !== null) return returnedAgain(dispatch, { ...receipt, answer });
      const isLate = evidence === 'inquiry_answer' && receipt.now > dispatch.deadline;
      return recorded(
        telling(
          { ...spoken, status: 'returned', outcome: answer.outcome, evidence, pollAt: null },
          { ...answer, evidence, isLate },
        ),
        slipReturned(provider, answer, evidence),
      );
    }
    case 'doubtful': {
      if (wasTold(dispatch, { ...answer, evidence })) return repeated(dispatch);
      if (dispatch.told.length >= toldMax) return { ...unchanged(dispatch), reception: 'contradiction' };
      const { doubt, said } = answer;
      const told = telling({ ...spoken, acknowledged: true }, answer);
      // What it meant it may say when it is asked; what it said when asked it would only say again.
      const asked = evidence === 'inquiry_answer' || dispatch.outcome !== null;
      const next = asked ? told : { ...told, pollAt: receipt.now };
      const data = { provider, doubt, said, evidence, providerReference, providerTime };
      return { ...recorded(next, { type: 'AnswerDoubted', data }), reception: 'doubtful' };
    }
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

/**
 * The first answer stands, and what says otherwise is an event all the same. A success after a recorded failure means that
 * money moved: it must reach the ledger once, and behind the refund.
 */
function returnedAgain(dispatch: Dispatch, receipt: Receipt & { answer: KeptAnswer['answer'] }): Received {
  const { answer, evidence, receivedAt } = receipt;
  if (wasTold(dispatch, { ...answer, evidence }))
    return cameByItself(dispatch, receipt) ?? repeated(dispatch);
  const contradiction = { ...unchanged(dispatch), reception: 'contradiction' } as const;
  if (answer.outcome === 'succeeded' && dispatch.outcome !== 'succeeded') {
    if (dispatch.lateSuccess !== null) return contradiction;
    const { provider } = dispatch;
    const kept = { answer, evidence, receivedAt: receivedAt ?? receipt.now, provider };
    return { ...publishLateSuccess({ ...dispatch, lateSuccess: kept }), reception: 'contradiction' };
  }
  if (dispatch.told.length >= toldMax) return contradiction;
  const event = slipReturned(dispatch.provider, answer, evidence);
  return {
    ...{
      dispatch: telling(dispatch, { ...answer, evidence }),
      events: [pending(dispatch, event, receivedAt)],
    },
    ...{ inquiries: [], reception: 'contradiction' },
  };
}

/**
 * What was only learnt by asking, behind the deadline, comes by itself after all: told once more, since it was late and not lost.
 * It moves no money and changes no outcome. What was learnt in time had no verdict that it could change: by now its slip may be
 * forgotten, and the same word again would be taken for another one.
 */
function cameByItself(
  dispatch: Dispatch,
  { answer, evidence, receivedAt }: Receipt & { answer: KeptAnswer['answer'] },
): Received | null {
  if (!isFirstByItself(dispatch, evidence) || !wasLearntLate(dispatch)) return null;
  return {
    dispatch: { ...dispatch, evidence },
    events: [pending(dispatch, slipReturned(dispatch.provider, answer, evidence), receivedAt)],
    ...{ inquiries: [], reception: 'repeated' },
  };
}

/** The row remembers the evidence that came by itself: so the next one is none of interest. */
export function isFirstByItself(dispatch: Pick<Dispatch, 'evidence'>, evidence: Evidence): boolean {
  return dispatch.evidence === 'inquiry_answer' && evidence === 'signed_callback';
}

/** Publishes a kept late success when the refund is known. Before it, the ledger could take it for the first answer. */
export function publishLateSuccess(dispatch: Dispatch): Step {
  const kept = dispatch.lateSuccess;
  if (kept === null || !dispatch.refunded || dispatch.outcome === 'succeeded') return unchanged(dispatch);
  const next = telling({ ...dispatch, outcome: 'succeeded', evidence: kept.evidence }, kept.answer);
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
  const { outcome, reason, amount, providerReference, providerTime, fee, bookedOn, occurrence } = answer;
  return {
    type: 'SlipReturned',
    data: {
      provider,
      outcome,
      reason,
      amount,
      evidence,
      providerReference,
      providerTime,
      ...(fee && { fee }),
      ...(bookedOn && { bookedOn }),
      ...(occurrence && { occurrence }),
    },
  };
}
