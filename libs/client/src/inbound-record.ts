import {
  type AdvanceClock,
  cloudEventContentType,
  encodeInbound,
  type InboundCommand,
  type Topic,
} from '@slipstream/contracts';
import { type OutRecord, partitionOf } from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import { v5 as uuidv5, v7 as uuidv7 } from 'uuid';
import { instantOf, type Time } from './time.ts';

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

/** A command as it goes to an inbound topic. */
export interface IdentifiedRecord {
  readonly id: string;
  readonly record: OutRecord;
}

/** About one slip: its partition is that of the reference. */
export function slipRecord(
  caller: string,
  topic: Topic,
  command: InboundCommand,
  options: CommandOptions & { readonly reference: string },
): IdentifiedRecord {
  const { reference: key } = options;
  const id = options.id ?? uuidv7();
  const partition = partitionOf(key, topic.partitions);
  return { id, record: toRecord(caller, { topic, key, partition }, command, { ...options, id }) };
}

/** Namespace of the ids of clock statements (random, fixed). */
const clockNamespace = '5f0f6a0e-6b5b-4a3e-9d3a-3c1f7a2d9c41';

/** A statement about a clock, once for each partition; said again, it has the same ids. */
export function clockRecords(
  caller: string,
  topic: Topic,
  statement: Omit<AdvanceClock, 'time'> & { readonly time: Time },
): OutRecord[] {
  const { clock, close } = statement;
  const time = instantOf('time', statement.time);
  const said: InboundCommand = { type: 'AdvanceClock', data: { clock, time, close } };
  return Array.from({ length: topic.partitions }, (_, partition) => {
    const id = uuidv5(`${caller} ${topic.name} ${partition} ${clock} ${time} ${close}`, clockNamespace);
    return toRecord(caller, { topic, key: clock, partition }, said, { id, clock, time });
  });
}

interface Destination {
  readonly topic: Topic;
  readonly key: string;
  readonly partition: number;
}

function toRecord(
  caller: string,
  { topic, key, partition }: Destination,
  command: InboundCommand,
  options: CommandOptions & { readonly id: string },
): OutRecord {
  const { id, clock = wallClock, traceparent = '' } = options;
  const time = options.time === undefined ? null : instantOf('time', options.time);
  const value = encodeInbound({ id, caller, clock, time, traceparent, command, subject: key });
  return {
    ...{ topic: topic.name, partition, key },
    value: Buffer.from(value),
    headers: { 'content-type': cloudEventContentType },
  };
}
