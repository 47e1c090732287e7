/** Everything this service does. */

export { dispatchDueSlips } from './dispatch-due-slips.ts';
export { followSlips } from './follow-slips.ts';
export { inquireDue, recordAnswers } from './inquire-due.ts';
export { receiveCallbacks } from './receive-callbacks.ts';
export { receiveResults } from './receive-results.ts';
export { recordOutcomes, recoverAbandoned } from './record-outcomes.ts';
export { releaseParked } from './release-parked.ts';
export { showProvider, showProviders } from './show-providers.ts';
export { anythingOpen, readBounds } from './watermark-bounds.ts';
