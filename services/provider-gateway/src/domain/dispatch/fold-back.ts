import { addMs, type Instant } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import { askedBehindTheEnd } from '../inquiry/inquiry.ts';
import { type CallLimits, leaseMarginMs, notSent, ownInquiry } from './attempt.ts';
import { foldWord, moveTo } from './earlier.ts';
import { followEvent } from './follow-event.ts';
import { isFirstByItself } from './receive-answer.ts';
import type { Dispatch, NewInquiry } from './state.ts';
import { telling, wasTold } from './told.ts';

/** This service's own events, from which its state follows where its database has lost it. */
export const ownEvents: ReadonlySet<string> = new Set<SlipEvent['type']>([
  'DispatchIntended',
  'DispatchNotSent',
  'DispatchUnanswered',
  'SlipAcknowledged',
  'SlipProgressed',
  'SlipReturned',
  'AnswerDoubted',
  'InquiryAnswered',
  'CallbackRefused',
]);

/** What an event of the log makes of a row that lacks it. Nothing is published: what was said stands on the topic. */
export interface Folded {
  readonly dispatch: Dispatch;
  readonly inquiries: readonly NewInquiry[];
  /** The number of a question that has its answer. */
  readonly answered: number | null;
}

/** `terms` null: the provider is not configured any more. */
export interface FoldTerms {
  readonly now: Instant;
  readonly terms:
    | (Pick<CallLimits, 'answerTimeoutMs' | 'acceptanceDelayMaxMs'> & {
        /** When a provider is asked again about what it may not have executed; ascending. */
        readonly recheckLadderMs: readonly number[];
      })
    | null;
}

/**
 * Folds an event of any service into the row, in log order. Idempotent, since the database may know some of them: only
 * a later attempt begins, only the open attempt ends, and an outcome stays. An intent without an end stays `intended`
 * under a lease that has run out: it is found as one whose sender is gone.
 */
export function foldBack(dispatch: Dispatch, event: SlipEvent, { now, terms }: FoldTerms): Folded {
  switch (event.type) {
    case 'DispatchIntended':
      return only(event.data.attempt > dispatch.attempt ? intended(dispatch, event.data, terms) : dispatch);
    case 'DispatchNotSent':
      return only(isOpenAttempt(dispatch, event.data) ? dueAgain(dispatch, now) : dispatch);
    case 'DispatchUnanswered': {
      if (!isOpenAttempt(dispatch, event.data)) return only(dispatch);
      const next: Dispatch = {
        ...dispatch,
        status: 'unanswered',
        sentMaybe: true,
        owner: null,
        leaseUntil: null,
      };
      const asked = ownInquiry(next, event.data.provider, terms?.acceptanceDelayMaxMs ?? null);
      return { dispatch: next, inquiries: asked, answered: null };
    }
    case 'SlipAcknowledged':
      return only(
        foldWord(dispatch, event.data.provider, 'answered', (one) => ({
          ...heard(one, event.data.providerReference),
          acknowledged: true,
        })),
      );
    case 'SlipProgressed':
      return only(
        foldWord(dispatch, event.data.provider, 'answered', (one) => ({
          ...heard(one, null),
          lastStep: event.data.step,
        })),
      );
    case 'SlipReturned':
      return only(foldWord(dispatch, event.data.provider, 'succeeded', (one) => returned(one, event.data)));
    case 'AnswerDoubted': {
      const { data } = event;
      const fold = (one: Dispatch) =>
        wasTold(one, { kind: 'doubtful', ...data })
          ? one
          : telling({ ...heard(one, data.providerReference), acknowledged: true }, data);
      return only(foldWord(dispatch, data.provider, 'answered', fold));
    }
    case 'InquiryAnswered': {
      const { inquiry, provesNotExecuted } = event.data;
      if (!provesNotExecuted) return { dispatch, inquiries: [], answered: inquiry };
      const next = { ...dispatch, closedForDispatch: true, nextAt: null };
      // What proved it is lost with the database, and with that whoever asks whether the provider kept its promise.
      return { dispatch: next, inquiries: askedAgain(dispatch, now, terms), answered: inquiry };
    }
    case 'RefundRequested': {
      const next = followEvent(dispatch, event, now).dispatch;
      const isProved = event.data.basis === 'not_executed';
      return { dispatch: next, inquiries: isProved ? [] : askedAgain(dispatch, now, terms), answered: null };
    }
    case 'InquiryRequested':
      // Whether it was answered stands further on in the log.
      return {
        dispatch,
        inquiries: [
          { slipId: dispatch.slipId, n: event.data.inquiry, provider: dispatch.provider ?? '', dueAt: now },
        ],
        answered: null,
      };
    case 'SlipRefunded':
      return only({ ...dispatch, closedForDispatch: true, nextAt: null, refunded: true });
    default:
      return only(followEvent(dispatch, event, now).dispatch);
  }
}

function askedAgain(dispatch: Dispatch, now: Instant, terms: FoldTerms['terms']): NewInquiry[] {
  return askedBehindTheEnd(dispatch, now, terms?.recheckLadderMs ?? []);
}

function only(dispatch: Dispatch): Folded {
  return { dispatch, inquiries: [], answered: null };
}

type Data<Type extends SlipEvent['type']> = Extract<SlipEvent, { type: Type }>['data'];

function intended(
  dispatch: Dispatch,
  { attempt, provider, notAfter, digest }: Data<'DispatchIntended'>,
  terms: FoldTerms['terms'],
): Dispatch {
  // A process that lived through the loss may still hold the call: its answer comes before the lease ends.
  const leaseUntil = addMs(notAfter, (terms?.answerTimeoutMs ?? 0) + leaseMarginMs);
  return {
    ...moveTo(dispatch, { provider, choice: null }),
    status: 'intended',
    attempt,
    notAfter,
    digest,
    owner: null,
    leaseUntil,
    nextAt: null,
    firstNotFoundAt: null,
  };
}

function isOpenAttempt({ status, attempt }: Dispatch, ended: { readonly attempt: number }): boolean {
  return status === 'intended' && attempt === ended.attempt;
}

/** A call that got no answer before is not repeated from the log: it is asked about. */
function dueAgain(dispatch: Dispatch, now: Instant): Dispatch {
  const { status } = notSent(dispatch);
  const nextAt = dispatch.closedForDispatch || status === 'unanswered' ? null : now;
  return { ...dispatch, status, owner: null, leaseUntil: null, nextAt };
}

/** Whoever spoke has the slip: it is never sent again. */
function heard(dispatch: Dispatch, providerReference: string | null): Dispatch {
  return {
    ...dispatch,
    status: dispatch.outcome === null ? 'answered' : dispatch.status,
    sentMaybe: true,
    owner: null,
    leaseUntil: null,
    nextAt: null,
    providerReference: dispatch.providerReference ?? providerReference,
  };
}

/** The first outcome stands; only a success that was told after the refund replaces a failure. */
function returned(dispatch: Dispatch, data: Data<'SlipReturned'>): Dispatch {
  const { outcome, evidence, providerReference } = data;
  const known = dispatch.outcome !== null && wasTold(dispatch, { kind: 'returned', ...data });
  const told = known ? dispatch : telling(dispatch, data);
  const byItself = known && isFirstByItself(dispatch, evidence) ? { evidence } : {};
  const next = { ...heard(told, providerReference), ...byItself };
  if (dispatch.outcome !== null && (outcome !== 'succeeded' || dispatch.outcome === 'succeeded')) return next;
  return { ...next, status: 'returned', outcome, evidence, pollAt: null };
}
