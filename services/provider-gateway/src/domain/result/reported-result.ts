import {
  foreignTextLengthMax,
  foreignTextProblem,
  type Instant,
  type Money,
  nameProblem,
  storableText,
} from '@slipstream/kernel';
import type { Outcome } from '@slipstream/slip';
import { type Receipt, type Received, receiveAnswer } from '../dispatch/receive-answer.ts';
import { type Dispatch, unchanged } from '../dispatch/state.ts';
import type { ProviderAnswer } from '../provider/answer.ts';

/** What another internal service reported about the slip it knows as (caller, reference). */
export interface ReportedResult {
  readonly caller: string;
  /** (caller, id) names the report for ever. */
  readonly id: string;
  readonly reference: string;
  readonly clock: string;
  /** The broker's append time on the wall clock, the reporter's own time on any other (rule 6). */
  readonly receivedAt: Instant;
  /** Orders reports of one reference that were received at the same time. */
  readonly position: number;
  readonly step: 'acknowledged' | 'progressed' | 'returned';
  readonly outcome: Outcome | null;
  readonly progress: string;
  readonly reason: string | null;
  readonly amount: Money | null;
  /** What the provider charges for it, beside the amount. */
  readonly fee?: Money | null;
  readonly providerReference: string | null;
  readonly providerTime: Instant | null;
}

/** Reports remembered per slip; an older one that comes again is recognised by what it says. */
const seenMax = 32;

/**
 * What is said beside a result is no reason to lose it: text is kept as far as it can be stored, and nothing moved by a failure, whatever
 * amount it names. A provider's reference that is cut would be another one's: it counts as not given.
 */
export function asStored(result: ReportedResult): ReportedResult {
  const { outcome, progress, reason, providerReference, amount } = result;
  const isNegative = amount !== null && amount.amount < 0n;
  const denies = outcome === 'failed' || outcome === 'void';
  return {
    ...result,
    progress: begin(progress),
    reason: reason === null ? null : begin(reason),
    providerReference: foreignTextProblem(providerReference) === null ? providerReference : null,
    amount: isNegative && denies ? null : amount,
  };
}

const begin = (text: string) => storableText(text.slice(0, foreignTextLengthMax));

/** Why a report can never be taken; null when it can. What is parked must fit into an event later. */
export function refusal(result: ReportedResult): string | null {
  const { caller, id, reference, clock, progress, reason, providerReference, amount, fee } = result;
  // No slip has a reference, a caller or a clock that is no name.
  for (const [field, value] of Object.entries({ caller, reference, clock })) {
    const problem = nameProblem(value);
    if (problem !== null) return `${field} ${problem}`;
  }
  const texts = {
    id,
    progress,
    reason,
    providerReference,
    currency: amount?.currency,
    feeCurrency: fee?.currency,
  };
  for (const [field, value] of Object.entries(texts)) {
    const problem = foreignTextProblem(value ?? '');
    if (problem !== null) return `${field} ${problem}`;
  }
  if (fee && fee.amount < 0n) return 'the fee is negative';
  if (result.step === 'returned' && result.outcome === null) return 'a returned step needs an outcome';
  if (result.step === 'progressed' && result.progress === '') return 'a progressed step needs its name';
  return null;
}

/** Why a report does not fit the slip with its reference; null when it does. */
export function misfit(dispatch: Dispatch, result: ReportedResult): string | null {
  if (dispatch.mode !== 'reported') return 'the slip is dispatched by this service, nobody may report for it';
  if (dispatch.clock !== result.clock) {
    return `the slip lives on the clock ${dispatch.clock}, the report on ${result.clock}`;
  }
  return null;
}

/** Records a report about a held slip; the same report again changes nothing. */
export function receiveResult(
  dispatch: Dispatch,
  result: ReportedResult,
  { now, receivedAt }: Pick<Receipt, 'now' | 'receivedAt'>,
): Received {
  if (dispatch.seenResults.includes(result.id)) return { ...unchanged(dispatch), reception: 'repeated' };
  const seen = {
    ...dispatch,
    seenResults: [...dispatch.seenResults, result.id].slice(-seenMax),
  };
  return receiveAnswer(seen, {
    answer: toAnswer(result),
    ...{ evidence: 'report', receivedAt, now },
  });
}

function toAnswer(result: ReportedResult): ProviderAnswer {
  const { outcome, reason, amount, fee, providerReference, providerTime } = result;
  switch (result.step) {
    case 'acknowledged':
      return { kind: 'acknowledged', providerReference, providerTime };
    case 'progressed':
      return { kind: 'progressed', step: result.progress, providerReference, providerTime };
    case 'returned':
      // It is done, and nothing moved: that is no success which settles anything by itself.
      if (outcome === 'succeeded' && amount !== null && amount.amount <= 0n) {
        const said = `${amount.amount} ${amount.currency}`.slice(0, foreignTextLengthMax);
        return { kind: 'doubtful', doubt: 'amount_unreadable', said, providerReference, providerTime };
      }
      return {
        kind: 'returned',
        outcome: outcome ?? 'failed',
        reason,
        amount,
        ...(fee && { fee }),
        providerReference,
        providerTime,
      };
    default:
      return result.step satisfies never;
  }
}

/** The order in which parked reports are told: as they were received. */
export function byReceipt(a: ReportedResult, b: ReportedResult): number {
  if (a.receivedAt !== b.receivedAt) return a.receivedAt < b.receivedAt ? -1 : 1;
  return a.position - b.position;
}
