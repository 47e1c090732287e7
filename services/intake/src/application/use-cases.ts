import type { Standing, StatusChange } from '../domain/account/standing.ts';
import type { SubmissionRules } from '../domain/submission/decide-submission.ts';
import { changeAccountStatus } from './change-account-status.ts';
import { type ChangeOutcome, type ChangeRequest, changeSlip } from './change-slip.ts';
import type { AccountStore, IntakeStore, IntakeTx, Lines, StoreLimits, WaitingStore } from './ports.ts';
import { type Considered, type Preview, previewSubmissions } from './preview-submissions.ts';
import { type InboundCommand, submitCommands } from './submit-commands.ts';
import { type SubmitOutcome, type SubmitRequest, submitRequests, type Unsettled } from './submit-requests.ts';
import { takeDueSlips } from './take-due-slips.ts';

/** Everything intake can do. */
export interface UseCases {
  /** Answers keyed requests for slips, a batch in one transaction. */
  submitRequests(
    requests: readonly SubmitRequest[],
    limits?: StoreLimits,
  ): Promise<readonly (SubmitOutcome | Unsettled)[]>;
  /** Handles commands of one partition of the inbound topic in the consumer's transaction. */
  submitCommands(
    tx: IntakeTx,
    batch: { readonly partition: number; readonly commands: readonly InboundCommand[] },
  ): Promise<void>;
  /** Confirms a draft, takes a slip back that waits, or decides about one in review. */
  changeSlip(request: ChangeRequest): Promise<ChangeOutcome>;
  /** Reminds of drafts, lets them expire, and declines what nobody reviewed. @returns milliseconds until the next round */
  takeDueSlips(): Promise<number>;
  /** What would become of submissions of one caller; writes nothing. */
  previewSubmissions(caller: string, considered: readonly Considered[]): Promise<readonly Preview[]>;
  /** Who waits for a decision, or waited. */
  readonly reviews: Pick<WaitingStore, 'reviews' | 'review'>;
  /** Freezes, closes or opens an account. */
  changeAccountStatus(change: StatusChange, traceparent: string | null): Promise<Standing>;
  /** What was said last about an account; null: nothing. */
  showAccountStatus(account: string): Promise<Standing | null>;
}

export function useCases(context: {
  readonly store: IntakeStore;
  readonly waiting: WaitingStore;
  readonly accounts: AccountStore;
  readonly rules: SubmissionRules;
  readonly lines: Lines;
  newId(): string;
  partitionOf(slipId: string): number;
}): UseCases {
  return {
    submitRequests: (requests, limits) => submitRequests(context, requests, limits),
    submitCommands: (tx, batch) => submitCommands(context, tx, batch),
    changeSlip: (request) => changeSlip(context, request),
    takeDueSlips: () => takeDueSlips(context),
    previewSubmissions: (caller, considered) => previewSubmissions(context, caller, considered),
    reviews: context.waiting,
    changeAccountStatus: (change, traceparent) => changeAccountStatus(context.accounts, change, traceparent),
    showAccountStatus: (account) => context.accounts.standing(account),
  };
}
