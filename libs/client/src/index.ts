export { type Log, ReadRefused, type SaslOptions, SendFailed, StreamBroken } from '@slipstream/kafka';
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
export type { ConnectionOptions } from './connection.ts';
export { type ConsumerOptions, type EventBatch, SlipstreamConsumer } from './consumer.ts';
export { eventJson, type Json, type SlipNames, slipNames } from './event-json.ts';
export type { CommandOptions } from './inbound-record.ts';
export type { Outbox, OutboxRelay } from './outbox.ts';
export type { PreparedCommand } from './prepared.ts';
export { type AdvanceClockCommand, type PublisherOptions, SlipstreamPublisher } from './publisher.ts';
export { type SeenEvents, unseen } from './seen.ts';
export { createSlipClient, type SlipClient } from './slip-client.ts';
export type { ReportCommand, SubmitCommand } from './sound.ts';
export type { StreamStart } from './stream-start.ts';
export type { Time } from './time.ts';
