export {
  type AdvanceClockCommand,
  createSlipClient,
  type ReportCommand,
  type SlipClient,
  type SlipClientOptions,
  type SubmitCommand,
} from './client.ts';
export type { EventBatch, EventStream, EventStreamOptions } from './event-stream.ts';
export type { CommandOptions } from './inbound-record.ts';
