import { type AdvanceClock, type InboundCommand, type Topic, topics } from '@slipstream/contracts';
import { createKafka, type Log, SerialProducer } from '@slipstream/kafka';
import { type EventStream, type EventStreamOptions, startEventStream } from './event-stream.ts';
import { type CommandOptions, clockRecords, slipRecord } from './inbound-record.ts';
import { resend } from './resend.ts';
import { type ReportCommand, type SubmitCommand, soundReport, soundSubmission } from './sound.ts';

export interface AdvanceClockCommand extends AdvanceClock {
  /** The inbound topic whose records the statement covers. */
  readonly topic: 'commands' | 'results';
}

export interface SlipClientOptions {
  readonly brokers: readonly string[];
  /** Who sends: the CloudEvents source. A reference is unique per caller. */
  readonly caller: string;
  readonly log?: Log;
}

/** What other internal services do with Slipstream over Kafka. */
export interface SlipClient {
  /** Asks for slips. Resolves with the commands' ids when all are durable in `slips.commands.v1`. */
  submit(commands: readonly SubmitCommand[]): Promise<string[]>;
  /** Reports what the provider of a `reported` route answered, to `provider.results.v1`. */
  report(results: readonly ReportCommand[]): Promise<string[]>;
  /** Says, in every partition of a topic, that all commands up to `time` on `clock` were sent: await those first. */
  advanceClock(command: AdvanceClockCommand): Promise<void>;
  /** Follows `slips.events.v1`: at least once, in order per slip, resends removed. */
  consumeEvents(options: EventStreamOptions): Promise<EventStream>;
  /** Ends the streams, sends what was accepted, disconnects. */
  close(): Promise<void>;
}

const batchSizeMax = 1_000;

/** Connects when something is first sent or followed. Everything sent is repeated until it is durable, or rejects. */
export function createSlipClient({ brokers, caller, log }: SlipClientOptions): SlipClient {
  const clientId = caller.replaceAll('/', '.').replace(/^\./, '');
  const kafka = createKafka({ brokers, clientId, ...(log && { log }) });
  const producer = new SerialProducer(kafka, log ? { log } : {});
  const streams = new Set<EventStream>();
  let isClosing = false;

  async function sendAll<T extends CommandOptions & { readonly reference: string }>(
    topic: Topic,
    items: readonly T[],
    toCommand: (item: T) => InboundCommand,
  ): Promise<string[]> {
    const ids: string[] = [];
    for (let from = 0; from < items.length; from += batchSizeMax) {
      const batch = items
        .slice(from, from + batchSizeMax)
        .map((item) => slipRecord(caller, topic, toCommand(item), item));
      await resend(() => producer.sendBatch(batch.map(({ record }) => record)));
      ids.push(...batch.map(({ id }) => id));
    }
    return ids;
  }

  return {
    async submit(commands) {
      // All are looked at before any is sent: a batch is not cut in the middle.
      const sound = commands.map(soundSubmission);
      return sendAll(topics.commands, sound, ({ id, clock, time, traceparent, ...data }) => ({
        type: 'SubmitSlip',
        data,
      }));
    },
    async report(results) {
      const sound = results.map(soundReport);
      return sendAll(topics.results, sound, ({ id, clock, time, traceparent, ...data }) => ({
        type: 'ReportResult',
        data,
      }));
    },
    async advanceClock({ topic, ...data }) {
      const records = clockRecords(caller, topics[topic], { type: 'AdvanceClock', data });
      await resend(() => producer.sendBatch(records));
    },
    async consumeEvents(options) {
      const stream = await startEventStream(kafka, options, { log, isStopping: () => isClosing });
      streams.add(stream);
      return {
        async stop() {
          await stream.stop();
          streams.delete(stream);
        },
      };
    },
    async close() {
      isClosing = true;
      await Promise.all([...streams].map((stream) => stream.stop()));
      await producer.stop();
    },
  };
}
