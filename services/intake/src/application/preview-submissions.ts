import type { Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import type { Repeat, ReviewTerms } from '../domain/review/review.ts';
import { decideSubmission, type SubmissionRules } from '../domain/submission/decide-submission.ts';
import { type Gate, gateOf, passingRepeats, repeatOf } from '../domain/submission/gates.ts';
import type { Refusal } from '../domain/submission/refusal.ts';
import type { Submission } from '../domain/submission/submission.ts';
import { decideDraft } from '../domain/waiting/decide-draft.ts';
import type { Draft } from '../domain/waiting/waiting-slip.ts';
import type { IntakeStore, Lines } from './ports.ts';

/** A wish for a slip of which only the consequences are asked for. */
export interface Considered {
  readonly submission: Submission;
  readonly isDraft: boolean;
}

/** What would become of it now. */
export type Preview =
  | { readonly would: 'refused'; readonly refusal: Refusal }
  /** By this slip of the same caller, or by an earlier one of the same request, which has none yet. */
  | { readonly would: 'reference_taken'; readonly slipId: string | null }
  | { readonly would: 'draft'; readonly draft: Draft }
  | {
      readonly would: 'submitted' | 'in_review';
      readonly deadline: Instant;
      readonly review: ReviewTerms | null;
    };

export interface PreviewContext {
  readonly store: Pick<IntakeStore, 'referencesTaken' | 'askGates'>;
  readonly rules: SubmissionRules;
  readonly lines: Pick<Lines, 'expectedMs'>;
}

/** Judges submissions of one caller as if they came now, in order; writes nothing. */
export async function previewSubmissions(
  context: PreviewContext,
  caller: string,
  considered: readonly Considered[],
): Promise<readonly Preview[]> {
  const references = considered.map(({ submission: { reference } }) => reference);
  const { now, slipIds } = await context.store.referencesTaken(caller, references);
  const taken = new Map<string, string | null>(slipIds);
  const previews = considered.map((one): Preview => {
    const { reference } = one.submission;
    const judged = judge(context, one, now, null);
    // In the order in which a submission would be refused.
    if (judged.would === 'refused') return judged;
    const slipId = taken.get(reference);
    if (slipId !== undefined) return { would: 'reference_taken', slipId };
    taken.set(reference, null);
    return judged;
  });
  return throughGates(context, considered, previews, now);
}

/**
 * Those that would be submitted meet the gates, in their order, and behind them those that turn out to be repeats for people to look
 * at; what is let through counts for those behind it.
 */
async function throughGates(
  context: PreviewContext,
  considered: readonly Considered[],
  previews: readonly Preview[],
  now: Instant,
): Promise<readonly Preview[]> {
  const { store, rules } = context;
  const places = previews.flatMap(({ would }, i) =>
    would === 'submitted' || would === 'in_review' ? [i] : [],
  );
  if (places.length === 0) return previews;
  const gates = places.map((i) => gateOf(considered[i]!.submission, rules.gates));
  const stopped = await store.askGates(gates);
  const repeats = stopped.map((refusal) => refusal && repeatOf(refusal, rules.gates));
  const isAsked = repeats.some((repeat) => repeat !== null);
  const refusals = isAsked ? await askAgain(store, gates, repeats) : stopped;
  const through = new Map(
    places.map((i, n): [number, Preview] => {
      const [refusal, repeat] = [refusals[n], repeats[n]];
      if (refusal) return [i, { would: 'refused', refusal }];
      return [i, repeat ? judge(context, considered[i]!, now, repeat) : previews[i]!];
    }),
  );
  return previews.map((preview, i) => through.get(i) ?? preview);
}

/** As they are submitted: first whatever is no repeat. */
async function askAgain(
  store: PreviewContext['store'],
  gates: readonly Gate[],
  repeats: readonly (Repeat | null)[],
): Promise<readonly (Refusal | null)[]> {
  const places = [...gates.keys()];
  const order = [...places.filter((n) => !repeats[n]), ...places.filter((n) => repeats[n])];
  const asked = order.map((n) => (repeats[n] ? passingRepeats(gates[n]!) : gates[n]!));
  const refusals = await store.askGates(asked);
  return places.map((n) => refusals[order.indexOf(n)]!);
}

function judge(
  { rules, lines }: PreviewContext,
  { submission, isDraft }: Considered,
  now: Instant,
  repeat: Repeat | null,
): Preview {
  if (isDraft) {
    const decision = decideDraft(submission, now, rules);
    if (!decision.accepted) return { would: 'refused', refusal: decision.refusal };
    return { would: 'draft', draft: decision.draft };
  }
  const waitMs = lines.expectedMs(submission.route);
  const circumstances = {
    clock: wallClock,
    receivedAt: now,
    clockClosed: false,
    waitMs,
    throttled: false,
    repeat,
  };
  const decision = decideSubmission(submission, circumstances, rules);
  if (!decision.accepted) return { would: 'refused', refusal: decision.refusal };
  const { review, event } = decision;
  return { would: review === null ? 'submitted' : 'in_review', deadline: event.data.deadline, review };
}
