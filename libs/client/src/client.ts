import type { ConnectionOptions } from 'node:tls';
import { type AdvanceClock, topics } from '@slipstream/contracts';
import {
  createKafka,
  jsonLog,
  type Log,
  type OutRecord,
  type SaslOptions,
  SerialProducer,
} from '@slipstream/kafka';
import { type EventStream, type EventStreamOptions, startEventStream } from './event-stream.ts';
import { clockRecords, type IdentifiedRecord } from './inbound-record.ts';
import { type Outbox, type OutboxRelay, startOutboxRelay } from './outbox.ts';
import { type PreparedCommand, preparedOf, recordOf, reportRecords, submitRecords } from './prepared.ts';
import { resend } from './resend.ts';
import type { ReportCommand, SubmitCommand } from './sound.ts';
import type { Time } from './time.ts';

export interface AdvanceClockCommand extends Omit<AdvanceClock, 'time'> {
  readonly time: Time;
  /** The inbound topic whose records the statement covers. */
  readonly topic: 'commands' | 'results';
}

export interface SlipClientOptions {
  readonly brokers: readonly string[];
  /** Who sends: the CloudEvents source. A reference is unique per caller. */
  readonly caller: string;
  /** TLS: `true` trusts whom Node trusts; else what `tls.connect` takes (`ca`, `cert`, `key`). Default: in the clear. */
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SaslOptions;
  /** How long each 1,000 commands may take to be durable before `SendFailed`; 1 to 600,000. Default: 10,000. */
  readonly sendTimeoutMs?: number;
  /** Default: one JSON object per line on standard error. */
  readonly log?: Log;
}

/** What other internal services do with Slipstream over Kafka. */
export interface SlipClient {
  /** Asks for slips. Resolves with the commands' ids when all are durable in `slips.commands.v1`. */
  submit(commands: readonly SubmitCommand[]): Promise<string[]>;
  /** Reports what the provider of a `reported` route answered, to `provider.results.v1`. */
  report(results: readonly ReportCommand[]): Promise<string[]>;
  /** Checks commands as `submit` does, and sends nothing: for an outbox in the caller's own transaction. */
  prepareSubmit(commands: readonly SubmitCommand[]): PreparedCommand[];
  /** The same for `report`. */
  prepareReport(results: readonly ReportCommand[]): PreparedCommand[];
  /** Resolves when all are durable. Sent again, they change nothing. */
  send(commands: readonly PreparedCommand[]): Promise<void>;
  /** Sends what is written to an outbox, in its order, until it or the client is stopped. */
  relay(outbox: Outbox): OutboxRelay;
  /** Says, in every partition of a topic, that all commands up to `time` on `clock` were sent: await those first. */
  advanceClock(command: AdvanceClockCommand): Promise<void>;
  /** Follows `slips.events.v1`: at least once, in order per slip, resends removed. */
  consumeEvents(options: EventStreamOptions): Promise<EventStream>;
  /** Ends relays and streams when what they do has ended, sends what was accepted, disconnects. */
  close(): Promise<void>;
}

const batchSizeMax = 1_000;
const sendTimeoutMsDefault = 10_000;
const sendTimeoutMsMax = 600_000;
/** The client repeats connections itself, within its time limit. */
const connectionRetries = 2;

/** Connects when something is first sent or followed. What is sent is repeated until it is durable, or its time is over. */
export function createSlipClient(options: SlipClientOptions): SlipClient {
  const { brokers, caller, ssl, sasl, sendTimeoutMs = sendTimeoutMsDefault, log } = options;
  if (!(sendTimeoutMs >= 1 && sendTimeoutMs <= sendTimeoutMsMax)) {
    throw new RangeError(`sendTimeoutMs must be 1 to ${sendTimeoutMsMax}, not ${sendTimeoutMs}`);
  }
  const clientId = caller.replaceAll('/', '.').replace(/^\./, '');
  const security = { ...(ssl !== undefined && { ssl }), ...(sasl !== undefined && { sasl }) };
  const kafka = createKafka({ brokers, clientId, connectionRetries, ...security, ...(log && { log }) });
  const producer = new SerialProducer(kafka, log ? { log } : {});
  const running = new Set<{ stop(): Promise<void> }>();
  let isClosing = false;

  async function sendRecords(records: readonly OutRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += batchSizeMax) {
      const batch = records.slice(from, from + batchSizeMax);
      await resend((untilMs) => producer.sendBatch(batch, untilMs), sendTimeoutMs);
    }
  }

  async function sendAll(commands: readonly IdentifiedRecord[]): Promise<string[]> {
    await sendRecords(commands.map(({ record }) => record));
    return commands.map(({ id }) => id);
  }

  const send = async (commands: readonly PreparedCommand[]) => sendRecords(commands.map(recordOf));

  return {
    submit: async (commands) => sendAll(submitRecords(caller, commands)),
    report: async (results) => sendAll(reportRecords(caller, results)),
    prepareSubmit: (commands) => submitRecords(caller, commands).map(preparedOf),
    prepareReport: (results) => reportRecords(caller, results).map(preparedOf),
    send,
    relay(outbox) {
      const relay = startOutboxRelay(outbox, { send, log: log ?? jsonLog });
      running.add(relay);
      return {
        wake: () => relay.wake(),
        async stop() {
          await relay.stop();
          running.delete(relay);
        },
      };
    },
    async advanceClock({ topic, ...statement }) {
      await sendRecords(clockRecords(caller, topics[topic], statement));
    },
    async consumeEvents(streamOptions) {
      const stream = await startEventStream(kafka, streamOptions, { log, isStopping: () => isClosing });
      running.add(stream);
      return {
        async stop() {
          await stream.stop();
          running.delete(stream);
        },
      };
    },
    async close() {
      isClosing = true;
      await Promise.all([...running].map((one) => one.stop()));
      await producer.stop();
    },
  };
}
