export {
  type AdvanceClockCommand,
  type CommandOptions,
  createSlipClient,
  type ReportCommand,
  type SlipClient,
  type SlipClientOptions,
  type SubmitCommand,
} from './client.ts';
export type { EventBatch, EventStream, EventStreamOptions } from './event-stream.ts';
