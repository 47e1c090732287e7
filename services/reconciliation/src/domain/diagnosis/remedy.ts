import { type SubmittedSlip, successReported } from '@slipstream/slip';

/** What is known about whether the provider executed the slip. */
export type Proof = 'executed' | 'not_executed' | 'unknown';

/** Words against each other prove nothing, and neither does silence (rule 2). */
export function proofOf(state: SubmittedSlip): Proof {
  if (state.contradictedBy !== null && successReported(state)) return 'unknown';
  if (successReported(state)) return 'executed';
  // Refused here, rejected by the provider, or proved by rule 3.
  const refused = state.rejection !== null || state.outcome !== null;
  return refused || state.provedNotExecuted ? 'not_executed' : 'unknown';
}

/** Whether the order may be repeated depends on the proof alone, whatever the cause: a second payment costs money. */
const lead: Readonly<Record<Proof, string>> = {
  executed: 'Do not repeat the order: the provider executed it.',
  not_executed: 'It was not executed, so it may be submitted again.',
  unknown: 'Do not repeat the order: it is not known whether the provider executed it.',
};

export function remedyOf(proof: Proof, advice: string): string {
  return `${lead[proof]} ${advice}`;
}
