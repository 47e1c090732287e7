import { isLive } from '@slipstream/slip';
import { hasEnded } from '../watch/watched-slip.ts';
import { concludeLateReturn, concludeNotExecuted } from './conclude.ts';
import { type Context, type Draft, perform, performDiagnosis, setNextStep } from './draft.ts';
import { nextRung, waitForReport } from './ladder.ts';
import { takeStep } from './take-step.ts';

/**
 * The verdict on a slip whose deadline can be judged and that is still open (rule 6). An answer received later may
 * have been read already: it changes what follows, never the verdict.
 */
export function callOverdue(draft: Draft, context: Context): void {
  const { deadline } = draft.slip.state;
  const called = perform(draft, { type: 'mark_overdue', stage: 'returned', deadline }, context);
  draft.slip = { ...draft.slip, verdict: called ? 'overdue' : 'in_time' };
  if (called) follow(draft, context);
}

function follow(draft: Draft, context: Context): void {
  const { state } = draft.slip;
  if (state.outcome !== null) concludeLateReturn(draft, context);
  else if (hasEnded(state)) performDiagnosis(draft, context);
  // An import is concluded when its clock is closed: until then its answers are still being read.
  else if (isLive(state.clock)) pursue(draft, context);
}

/** Begins to find out what became of the slip. */
function pursue(draft: Draft, context: Context): void {
  const { state } = draft.slip;
  if (state.provedNotExecuted) concludeNotExecuted(draft, context);
  else if (state.mode === 'reported') setNextStep(draft, waitForReport(state, context.now));
  else {
    setNextStep(draft, nextRung(state, context.now));
    takeStep(draft, context);
  }
}
