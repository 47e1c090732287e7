export type {
  GatewayCommand,
  HoldAnswer,
  LedgerCommand,
  ReconciliationCommand,
  SlipCommand,
} from './commands.ts';
export { decide } from './decide.ts';
export { mayDispatch } from './decide-gateway.ts';
export type * from './events.ts';
export { evolve } from './evolve.ts';
export { initialState } from './initial-state.ts';
export { type Iso20022, type IsoStatus, iso20022, isoReasons } from './iso20022.ts';
export { parseState, serializeState } from './serialize.ts';
export {
  type Anomaly,
  type AnomalyReason,
  type Attempt,
  anomaliesMax,
  isSubmitted,
  type SlipCase,
  type SlipFacts,
  type SlipState,
  type SlipStatus,
  type SubmittedSlip,
  slipStatuses,
  type Terms,
} from './state.ts';
