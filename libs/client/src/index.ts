export { type Log, type SaslOptions, SendFailed, StreamBroken } from '@slipstream/kafka';
export {
  type ErrorCode,
  type FieldProblem,
  type Instant,
  isSlipstreamError,
  type Money,
  SlipstreamError,
} from '@slipstream/kernel';
export type {
  DataOf,
  EventOf,
  Evidence,
  Outcome,
  RecordedEvent,
  SlipEvent,
  SlipEventType,
  SlipKind,
} from '@slipstream/slip';
export {
  type AdvanceClockCommand,
  createSlipClient,
  type SlipClient,
  type SlipClientOptions,
} from './client.ts';
export { eventJson, type Json, type SlipNames, slipNames } from './event-json.ts';
export type { EventBatch, EventStream, EventStreamOptions, StreamStart } from './event-stream.ts';
export type { CommandOptions } from './inbound-record.ts';
export type { Outbox, OutboxRelay } from './outbox.ts';
export type { PreparedCommand } from './prepared.ts';
export { type SeenEvents, unseen } from './seen.ts';
export type { ReportCommand, SubmitCommand } from './sound.ts';
export type { Time } from './time.ts';
