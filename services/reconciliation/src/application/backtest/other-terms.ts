import { addMs, type Instant, instantToMs } from '@slipstream/kernel';
import type { DataOf, RecordedEvent, SlipPolicy } from '@slipstream/slip';

/** Of one route, what rules say that a backtest may change. */
export interface RouteTerms {
  readonly outcomeDeadlineMs: number;
  readonly policy: SlipPolicy;
}

/** Rules as a backtest needs them. */
export interface TermsOfRules {
  readonly digest: string;
  readonly routes: ReadonlyMap<string, RouteTerms>;
  readonly providers: ReadonlyMap<string, ProviderTerms>;
}

/** Of one provider, what rules say that a backtest may change. */
export interface ProviderTerms {
  /** How long its circuit stays open. */
  readonly circuitOpenMs: number;
  /** From when after a call its NOT_FOUND counts: rule 3's bound, and not before it can see the slip; null: it never does. */
  readonly notFoundCountsAfterMs: number | null;
}

/** What other rules make of one slip. */
export interface OtherTerms {
  /** Added to the deadlines that the route gave. */
  readonly shiftMs: number;
  /** null: as it was. */
  readonly policy: SlipPolicy | null;
  /** From when after its last call a NOT_FOUND counts, as it was and as it would be; null: it never does. */
  readonly notFoundCountsAfterMs: { readonly was: number | null; readonly would: number | null };
  /** `rules`: nobody knows those that it was submitted under, so its deadline is left as it was; `route`: the others have none of that name. */
  readonly unknown: 'rules' | 'route' | null;
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

/** @param provider which it was sent to last; null: to none */
export function otherTerms(
  submitted: DataOf<'SlipSubmitted'>,
  receivedAt: Instant,
  provider: string | null,
  { were, other }: { readonly were: readonly TermsOfRules[]; readonly other: TermsOfRules },
): OtherTerms {
  const was = were.find(({ digest }) => digest === submitted.configDigest);
  const countsAfterMs = (rules: TermsOfRules | undefined) =>
    provider === null ? undefined : rules?.providers.get(provider)?.notFoundCountsAfterMs;
  const wouldCountAfterMs = countsAfterMs(other);
  const didCountAfterMs = countsAfterMs(was);
  // What is not known of either is taken to be as in the other.
  const notFoundCountsAfterMs = {
    was: (didCountAfterMs === undefined ? wouldCountAfterMs : didCountAfterMs) ?? null,
    would: (wouldCountAfterMs === undefined ? didCountAfterMs : wouldCountAfterMs) ?? null,
  };
  const to = other.routes.get(submitted.route);
  if (to === undefined) return { shiftMs: 0, policy: null, notFoundCountsAfterMs, unknown: 'route' };
  const policy = samePolicy(submitted.policy, to.policy) ? null : to.policy;
  const from = was?.routes.get(submitted.route);
  if (from === undefined) return { shiftMs: 0, policy, notFoundCountsAfterMs, unknown: 'rules' };
  // Until it is approved a slip in review has the latest deadline that it can get.
  const isOurs = submitted.reviewRequired || isOfRoute(submitted.deadline, receivedAt, from);
  const shiftMs = isOurs ? to.outcomeDeadlineMs - from.outcomeDeadlineMs : 0;
  return { shiftMs, policy, notFoundCountsAfterMs, unknown: null };
}

/** Whom it was sent to last; null: nobody. */
export function lastProvider(events: readonly RecordedEvent[]): string | null {
  const last = events.findLast(({ event }) => event.type === 'DispatchIntended')?.event;
  return last?.type === 'DispatchIntended' ? last.data.provider : null;
}

export function changesNothing(terms: OtherTerms): boolean {
  return terms.shiftMs === 0 && terms.policy === null && !isBoundMoved(terms);
}

export function isBoundMoved({ notFoundCountsAfterMs: { was, would } }: OtherTerms): boolean {
  return was !== would;
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
