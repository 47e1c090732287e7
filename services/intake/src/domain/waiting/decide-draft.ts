import { addMs, type Instant } from '@slipstream/kernel';
import { type EventOf, wallClock } from '@slipstream/slip';
import { decideSubmission, type SubmissionRules } from '../submission/decide-submission.ts';
import type { Refusal } from '../submission/refusal.ts';
import type { Submission } from '../submission/submission.ts';
import type { Draft } from './waiting-slip.ts';

export type DraftDecision =
  | { readonly accepted: true; readonly event: EventOf<'SlipDrafted'>; readonly draft: Draft }
  | { readonly accepted: false; readonly refusal: Refusal };

/**
 * Takes a wish that is not to be carried out before it is confirmed. What would be refused if it were submitted now is no
 * draft either; it is judged again when it is confirmed, by the rules of then.
 */
export function decideDraft(submission: Submission, now: Instant, rules: SubmissionRules): DraftDecision {
  // How long others wait now says nothing about then.
  const circumstances = {
    clock: wallClock,
    receivedAt: now,
    clockClosed: false,
    waitMs: 0,
    throttled: false,
    repeat: null,
  };
  const decision = decideSubmission(submission, circumstances, rules);
  if (!decision.accepted) return decision;
  const { draftExpiresMs, draftRemindBeforeMs } = rules.routes.get(submission.route)!;
  const expiresAt = addMs(now, draftExpiresMs);
  const remindAt = draftRemindBeforeMs > 0 ? addMs(expiresAt, -draftRemindBeforeMs) : null;
  const { configDigest, details } = decision.event.data;
  const { metadata: _, ...terms } = submission;
  return {
    accepted: true,
    event: { type: 'SlipDrafted', data: { ...terms, remindAt, expiresAt, configDigest, details } },
    draft: { submission, remindAt, expiresAt },
  };
}

/** What time makes of a draft: it expires, or its caller is reminded once; null: nothing yet. */
export function decideDue(
  { remindAt, expiresAt }: Pick<Draft, 'remindAt' | 'expiresAt'>,
  now: Instant,
): EventOf<'DraftExpired'> | EventOf<'DraftReminderDue'> | null {
  if (expiresAt <= now) return { type: 'DraftExpired', data: { expiresAt } };
  if (remindAt !== null && remindAt <= now) return { type: 'DraftReminderDue', data: { expiresAt } };
  return null;
}
