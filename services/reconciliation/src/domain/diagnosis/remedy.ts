import { type Proof, type SubmittedSlip, successReported } from '@slipstream/slip';

/** Words against each other prove nothing, and neither does silence (rule 2). */
export function proofOf(state: SubmittedSlip): Proof {
  if (state.contradictedBy !== null && successReported(state)) return 'unknown';
  if (successReported(state)) return 'executed';
  // Refused here, rejected by the provider, or proved by rule 3.
  const refused = state.rejection !== null || state.outcome !== null;
  return refused || state.provedNotExecuted ? 'not_executed' : 'unknown';
}
