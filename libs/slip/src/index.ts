export type { ReconciliationCommand } from './commands.ts';
export { decide } from './decide.ts';
export type * from './events.ts';
export { evolve } from './evolve.ts';
export { settleableAmount } from './facts.ts';
export { initialState } from './initial-state.ts';
export { iso20022 } from './iso20022.ts';
export { parseState, serializeState } from './serialize.ts';
export { isSubmitted, type SlipState, type SubmittedSlip, slipStatuses } from './state.ts';
