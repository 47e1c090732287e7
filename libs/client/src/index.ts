export {
  type AdvanceClockCommand,
  createSlipClient,
  type SlipClient,
  type SlipClientOptions,
} from './client.ts';
export type { EventBatch, EventStream, EventStreamOptions } from './event-stream.ts';
export type { CommandOptions } from './inbound-record.ts';
export type { ReportCommand, SubmitCommand, Time } from './sound.ts';
