import type { Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import type { ReviewTerms } from '../domain/review/review.ts';
import { decideSubmission, type SubmissionRules } from '../domain/submission/decide-submission.ts';
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

/** Judges submissions of one caller as if they came now, in order; writes nothing. */
export async function previewSubmissions(
  { store, rules, lines }: {
    readonly store: Pick<IntakeStore, 'referencesTaken'>;
    readonly rules: SubmissionRules;
    readonly lines: Pick<Lines, 'expectedMs'>;
  },
  caller: string,
  considered: readonly Considered[],
): Promise<readonly Preview[]> {
  const references = considered.map(({ submission: { reference } }) => reference);
  const { now, slipIds } = await store.referencesTaken(caller, references);
  const taken = new Map<string, string | null>(slipIds);
  return considered.map((one) => {
    const { reference } = one.submission;
    const judged = judge(one, now, rules, lines.expectedMs(one.submission.route));
    // In the order in which a submission would be refused.
    if (judged.would === 'refused') return judged;
    const slipId = taken.get(reference);
    if (slipId !== undefined) return { would: 'reference_taken', slipId };
    taken.set(reference, null);
    return judged;
  });
}

function judge(
  { submission, isDraft }: Considered,
  now: Instant,
  rules: SubmissionRules,
  waitMs: number,
): Preview {
  if (isDraft) {
    const decision = decideDraft(submission, now, rules);
    if (!decision.accepted) return { would: 'refused', refusal: decision.refusal };
    return { would: 'draft', draft: decision.draft };
  }
  const circumstances = { clock: wallClock, receivedAt: now, clockClosed: false, waitMs };
  const decision = decideSubmission(submission, circumstances, rules);
  if (!decision.accepted) return { would: 'refused', refusal: decision.refusal };
  const { review, event } = decision;
  return { would: review === null ? 'submitted' : 'in_review', deadline: event.data.deadline, review };
}
