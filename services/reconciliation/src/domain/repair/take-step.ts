import { isMissed } from '../watch/watched-slip.ts';
import { concludeNoAnswer, concludeUnknown } from './conclude.ts';
import { type Context, type Draft, perform, setNextStep } from './draft.ts';
import { nextRung } from './ladder.ts';

/** Takes the next step of an overdue slip if it is due: asks the provider once more, or draws the conclusion. */
export function takeStep(draft: Draft, context: Context): void {
  const { nextStep, state } = draft.slip;
  if (nextStep === null || nextStep.at > context.now) return;
  if (!isMissed(draft.slip)) setNextStep(draft, null);
  else if (nextStep.kind === 'inquire') inquire(draft, context);
  else if (state.mode === 'reported') concludeNoAnswer(draft, context);
  else concludeUnknown(draft, context);
}

function inquire(draft: Draft, context: Context): void {
  const inquiry = draft.slip.state.inquiries + 1;
  const asked = perform(draft, { type: 'request_inquiry', inquiry }, context);
  setNextStep(draft, asked ? nextRung(draft.slip.state, context.now) : null);
}
