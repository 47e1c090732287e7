import { addMs, type Instant, instantToMs } from '@slipstream/kernel';
import type { DataOf, SlipPolicy } from '@slipstream/slip';

/** Of one route, what rules say that a backtest may change. */
export interface RouteTerms {
  readonly outcomeDeadlineMs: number;
  readonly policy: SlipPolicy;
}

/** Rules as a backtest needs them. */
export interface TermsOfRules {
  readonly digest: string;
  readonly routes: ReadonlyMap<string, RouteTerms>;
  /** How long the circuit of a provider stays open, by its id. */
  readonly circuitOpenMs: ReadonlyMap<string, number>;
}

/** What other rules make of one slip. */
export interface OtherTerms {
  /** Added to the deadlines that the route gave. */
  readonly shiftMs: number;
  /** null: as it was. */
  readonly policy: SlipPolicy | null;
  /** False: nobody knows the rules that it was submitted under, so its deadline is left as it was. */
  readonly known: boolean;
}

/** So long a submission may lie between its reading of the clock and its commit. */
const commitMsMax = 60_000;

/**
 * A deadline that the caller gave stays as it is. That the route gave it is told by its distance from the submission, of which the
 * commit takes a little: one that a caller gave and that lies exactly as far is taken for the route's.
 */
function isOfRoute(deadline: Instant, receivedAt: Instant, { outcomeDeadlineMs }: RouteTerms): boolean {
  const lagMs = instantToMs(receivedAt) - (instantToMs(deadline) - outcomeDeadlineMs);
  return lagMs >= 0 && lagMs <= commitMsMax;
}

export function otherTerms(
  submitted: DataOf<'SlipSubmitted'>,
  receivedAt: Instant,
  { were, other }: { readonly were: readonly TermsOfRules[]; readonly other: TermsOfRules },
): OtherTerms {
  const to = other.routes.get(submitted.route);
  if (to === undefined) return { shiftMs: 0, policy: null, known: false };
  const policy = samePolicy(submitted.policy, to.policy) ? null : to.policy;
  const from = were.find(({ digest }) => digest === submitted.configDigest)?.routes.get(submitted.route);
  if (from === undefined) return { shiftMs: 0, policy, known: false };
  // Until it is approved a slip in review has the latest deadline that it can get.
  const isOurs = submitted.reviewRequired || isOfRoute(submitted.deadline, receivedAt, from);
  return { shiftMs: isOurs ? to.outcomeDeadlineMs - from.outcomeDeadlineMs : 0, policy, known: true };
}

export function changesNothing({ shiftMs, policy }: OtherTerms): boolean {
  return shiftMs === 0 && policy === null;
}

export function shifted(deadline: Instant, { shiftMs }: OtherTerms): Instant {
  return addMs(deadline, shiftMs);
}

function samePolicy(a: SlipPolicy, b: SlipPolicy): boolean {
  return (
    a.graceMs === b.graceMs &&
    a.quietPeriodMs === b.quietPeriodMs &&
    a.inquiryLadderMs.length === b.inquiryLadderMs.length &&
    a.inquiryLadderMs.every((ms, rung) => ms === b.inquiryLadderMs[rung])
  );
}
