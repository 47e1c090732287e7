import type { SubmissionRules } from '../domain/submission/decide-submission.ts';
import type { IntakeStore, IntakeTx, StoreLimits } from './ports.ts';
import { type InboundCommand, submitCommands } from './submit-commands.ts';
import { type SubmitOutcome, type SubmitRequest, submitRequests } from './submit-requests.ts';

/** Everything intake can do. */
export interface UseCases {
  /** Answers keyed requests for slips, a batch in one transaction. */
  submitRequests(requests: readonly SubmitRequest[], limits?: StoreLimits): Promise<readonly SubmitOutcome[]>;
  /** Handles commands of one partition of the inbound topic in the consumer's transaction. */
  submitCommands(
    tx: IntakeTx,
    batch: { readonly partition: number; readonly commands: readonly InboundCommand[] },
  ): Promise<void>;
}

export function useCases(context: {
  readonly store: IntakeStore;
  readonly rules: SubmissionRules;
  newId(): string;
  partitionOf(slipId: string): number;
}): UseCases {
  return {
    submitRequests: (requests, limits) => submitRequests(context, requests, limits),
    submitCommands: (tx, batch) => submitCommands(context, tx, batch),
  };
}
