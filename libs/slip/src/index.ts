// A word of this library, defined below it for those who know of clocks and nothing of slips.
export { wallClock } from '@slipstream/kernel';
export { escalated, isOpen } from './case.ts';
export {
  type CauseLanguage,
  causeLanguages,
  causeTexts,
  type Proof,
  remedyOf,
  type ShownCause,
  shownCause,
} from './cause-texts.ts';
export { type CauseCode, causeClasses, causeCodes, causes } from './causes.ts';
export { isLive, timeOn } from './clock.ts';
export type * from './events.ts';
export { evolve } from './evolve.ts';
export {
  endsReturned,
  endsReturnedInTime,
  hasEnded,
  isInTime,
  providerHasSpoken,
  settleableAmount,
  successInDoubt,
  successReported,
} from './facts.ts';
export { initialState } from './initial-state.ts';
export { iso20022 } from './iso20022.ts';
export type * from './ops-events.ts';
export type { PendingEvent } from './pending-event.ts';
export { hardlyAccepts, secretDiffers } from './refused-callbacks.ts';
export { parseState, serializeState } from './serialize.ts';
export {
  type Anomaly,
  type CaseReason,
  isSubmitted,
  type SlipCase,
  type SlipState,
  type SlipStatus,
  type SubmittedSlip,
  slipStatuses,
} from './state.ts';
export {
  accountProblem,
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataBytesMax,
  metadataKeysMax,
  metadataProblem,
  slipKinds,
  timeProblem,
} from './submission-fields.ts';
