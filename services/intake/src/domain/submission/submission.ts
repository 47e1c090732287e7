import { type FieldProblem, type Instant, type Money, nameProblem } from '@slipstream/kernel';
import type { SlipKind } from '@slipstream/slip';
import {
  accountProblem,
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataProblem,
} from '@slipstream/slip';

/** A wish for a slip, from whichever way it came. `reference` is unique per caller. */
export interface Submission {
  readonly caller: string;
  readonly reference: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  /** null: the slip moves no money here. */
  readonly amount: Money | null;
  readonly route: string;
  /** null: the route's policy decides. */
  readonly deadline: Instant | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a submission is about, as rules about other slips and accounts see it. */
export type Business = Pick<Submission, 'kind' | 'account' | 'counterparty' | 'amount' | 'route'>;

/** What is wrong with the fields themselves, whatever the rules say. */
export function submissionProblems(submission: Submission): FieldProblem[] {
  const { amount } = submission;
  const checks: [string, string | null][] = [
    ['/reference', nameProblem(submission.reference)],
    ['/kind', kindProblem(submission.kind)],
    ['/account', accountProblem(submission.account)],
    ['/counterparty', accountProblem(submission.counterparty)],
    ['/amount/amount', amount && amountProblem(amount.amount.toString())],
    ['/amount/currency', amount && currencyProblem(amount.currency)],
    ['/route', nameProblem(submission.route)],
    ['/metadata', metadataProblem(submission.metadata)],
  ];
  return checks.flatMap(([pointer, detail]) => (detail === null ? [] : [{ pointer, detail }]));
}
