import { parseInstant } from '@slipstream/kernel';
import { submissionDigest } from '../../application/submission-digest.ts';
import type { Submission } from '../../domain/submission/submission.ts';
import { checkBody } from './check-body.ts';
import type { SubmitSlipBody } from './submit-slip.dto.ts';

/** A body as a wish of its caller. */
export interface ReadSubmission {
  readonly submission: Submission;
  readonly isDraft: boolean;
  readonly digest: Buffer;
}

/** @throws SlipstreamError as `checkBody` does */
export function readSubmission(given: unknown, caller: string): ReadSubmission {
  const body = checkBody(given);
  const submission = toSubmission(body, caller);
  const isDraft = body.confirm === false;
  return { submission, isDraft, digest: submissionDigest(submission, isDraft) };
}

function toSubmission(body: SubmitSlipBody, caller: string): Submission {
  const { reference, kind, account, counterparty, amount, route, deadline, metadata } = body;
  return {
    caller,
    reference,
    kind,
    account,
    counterparty,
    amount: amount ? { amount: BigInt(amount.amount), currency: amount.currency } : null,
    route: route ?? 'default',
    deadline: deadline ? parseInstant(deadline) : null,
    metadata: metadata ?? {},
  };
}
