import {
  type AdvanceClock,
  encodeInbound,
  type InboundCommand,
  type ReportResult,
  type SubmitSlip,
  type Topic,
  topics,
} from '@slipstream/contracts';
import { createKafka, type Log, type OutRecord, partitionOf, SerialProducer } from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import { v5 as uuidv5, v7 as uuidv7 } from 'uuid';
import { type EventStream, type EventStreamOptions, startEventStream } from './event-stream.ts';
import { resend } from './resend.ts';

/** What a command carries beside its data. */
export interface CommandOptions {
  /** Names the command for ever, with the caller: sent twice, it is done once. Default: a new UUIDv7. */
  readonly id?: string;
  /** Default: `wall`, the clock of slips that live in real time. */
  readonly clock?: string;
  /** The caller's own time; on another clock than `wall` it counts as the time of receipt. */
  readonly time?: Instant;
  /** W3C trace context. */
  readonly traceparent?: string;
}

export type SubmitCommand = SubmitSlip & CommandOptions;
export type ReportCommand = ReportResult & CommandOptions;

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
/** Namespace of the ids of clock statements (random, fixed). */
const clockNamespace = '5f0f6a0e-6b5b-4a3e-9d3a-3c1f7a2d9c41';

export function createSlipClient({ brokers, caller, log }: SlipClientOptions): SlipClient {
  const kafka = createKafka({
    brokers,
    clientId: caller.replaceAll('/', '.').replace(/^\./, ''),
    ...(log && { log }),
  });
  const producer = new SerialProducer(kafka, log ? { log } : {});
  const streams = new Set<EventStream>();

  const toRecord = (
    command: InboundCommand,
    id: string,
    options: CommandOptions,
    to: Destination,
  ): OutRecord => ({
    topic: to.topic.name,
    partition: to.partition,
    key: to.key,
    value: Buffer.from(
      encodeInbound({
        id,
        caller,
        clock: options.clock ?? wallClock,
        time: options.time ?? null,
        traceparent: options.traceparent ?? '',
        command,
        subject: to.key,
      }),
    ),
    headers: { 'content-type': 'application/cloudevents+protobuf' },
  });

  const sendAll = async <T extends CommandOptions & { readonly reference: string }>(
    topic: Topic,
    items: readonly T[],
    toCommand: (item: T) => InboundCommand,
  ): Promise<string[]> => {
    const ids: string[] = [];
    for (let from = 0; from < items.length; from += batchSizeMax) {
      const records = items.slice(from, from + batchSizeMax).map((item) => {
        const id = item.id ?? uuidv7();
        ids.push(id);
        const key = item.reference;
        return toRecord(toCommand(item), id, item, {
          topic,
          key,
          partition: partitionOf(key, topic.partitions),
        });
      });
      await resend(() => producer.sendBatch(records));
    }
    return ids;
  };

  return {
    submit: (commands) => sendAll(topics.commands, commands, (data) => ({ type: 'SubmitSlip', data })),
    report: (results) => sendAll(topics.results, results, (data) => ({ type: 'ReportResult', data })),
    async advanceClock({ topic: name, ...data }) {
      const topic: Topic = topics[name];
      const { clock, time } = data;
      const records = Array.from({ length: topic.partitions }, (_, partition) => {
        const id = uuidv5(
          `${caller} ${topic.name} ${partition} ${clock} ${time} ${data.close}`,
          clockNamespace,
        );
        return toRecord(
          { type: 'AdvanceClock', data },
          id,
          { clock, time },
          { topic, key: clock, partition },
        );
      });
      await resend(() => producer.sendBatch(records));
    },
    async consumeEvents(options) {
      const stream = await startEventStream(kafka, options, log);
      streams.add(stream);
      return {
        async stop() {
          await stream.stop();
          streams.delete(stream);
        },
      };
    },
    async close() {
      await Promise.all([...streams].map((stream) => stream.stop()));
      await producer.stop();
    },
  };
}

interface Destination {
  readonly topic: Topic;
  readonly key: string;
  readonly partition: number;
}
