import { closeCase, lateSuccess, openCase, openContradictions } from './cases.ts';
import { type Context, type Draft, perform, performDiagnosis, setNextStep } from './draft.ts';

/** The answer came after all, and too late: says why, and closes the case that waited for it. */
export function concludeLateReturn(draft: Draft, context: Context): void {
  performDiagnosis(draft, context);
  perform(draft, { type: 'note_late_return' }, context);
  if (!lateSuccess(draft)) closeCase(draft, 'returned', context);
  openContradictions(draft, context);
  setNextStep(draft, null);
}

/** Rule 3's proof is there: the one and only reason for an automatic refund. The ledger arbitrates it. */
export function concludeNotExecuted(draft: Draft, context: Context): void {
  if (!perform(draft, { type: 'conclude_not_returned', basis: 'not_executed' }, context)) return;
  performDiagnosis(draft, context);
  perform(draft, { type: 'request_refund', basis: 'not_executed', requestedBy: 'reconciliation' }, context);
  closeCase(draft, 'not_executed', context);
  setNextStep(draft, null);
}

/** Nobody can be asked (rule 2): the slip has not returned, and nobody says that it was not executed. */
export function concludeNoAnswer(draft: Draft, context: Context): void {
  if (!perform(draft, { type: 'conclude_not_returned', basis: 'no_answer' }, context)) return;
  performDiagnosis(draft, context);
  openCase(draft, 'no_answer', context);
  setNextStep(draft, null);
}

/** The ladder is climbed and nothing is proved: the slip stays unknown, and people take over. Never a refund. */
export function concludeUnknown(draft: Draft, context: Context): void {
  performDiagnosis(draft, context);
  openCase(draft, 'inquiry_exhausted', context);
  setNextStep(draft, null);
}
