import type { RecordedEvent } from '@slipstream/slip';
import { hasEnded, isMissed } from '../watch/watched-slip.ts';
import { openContradictions } from './cases.ts';
import { concludeLateReturn, concludeNotExecuted } from './conclude.ts';
import { type Context, type Draft, setNextStep } from './draft.ts';
import { afterAnswer } from './ladder.ts';

/** What follows at once from an event that was just folded into the draft; decided in the same transaction. */
export function react(draft: Draft, { event }: RecordedEvent, context: Context): void {
  switch (event.type) {
    case 'SlipReturned':
      if (draft.slip.verdict === 'overdue') concludeLateReturn(draft, context);
      else openContradictions(draft, context);
      break;
    case 'SlipRefunded':
      openContradictions(draft, context);
      break;
    case 'InquiryAnswered':
      if (isMissed(draft.slip)) weighAnswer(draft, context);
      break;
    default:
  }
  if (hasEnded(draft.slip.state)) setNextStep(draft, null);
}

function weighAnswer(draft: Draft, context: Context): void {
  const { state, facts } = draft.slip;
  if (state.provedNotExecuted) concludeNotExecuted(draft, context);
  else if (facts.lastAnswer) setNextStep(draft, afterAnswer(draft.slip, facts.lastAnswer));
}
