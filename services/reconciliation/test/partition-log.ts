import { encodeSlipEvent, sourceOf, stampEnvelope } from '@slipstream/contracts';
import { EventWalk, type LogReader } from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';

export interface LogEntry {
  readonly slipId: string;
  readonly event: SlipEvent;
  readonly clock: string;
  readonly time: Instant;
  readonly receivedTime: Instant;
}

/** The log of one partition in memory: every record a batch of its own, as bytes. */
export class PartitionLog implements Pick<LogReader, 'walk' | 'values'> {
  readonly batches: Buffer[] = [];
  readonly #sequences = new Map<string, number>();

  get end(): number {
    return this.batches.length;
  }

  append({ slipId, event, clock, time, receivedTime }: LogEntry): void {
    const source = sourceOf(event.type);
    const sequence = (this.#sequences.get(source) ?? 0) + 1;
    this.#sequences.set(source, sequence);
    const body = encodeSlipEvent({ id: `e-${this.end}`, source, subject: slipId, clock }, event);
    const stamp = { sequence: String(sequence), incarnation: '7', time, receivedTime };
    this.batches.push(batchOf(this.end, Buffer.from(slipId), stampEnvelope(body, stamp)));
  }

  /** The walk at a record. */
  at(offset: number): EventWalk {
    const walk = new EventWalk();
    walk.batch(this.batches[offset]!);
    walk.next();
    return walk;
  }

  async walk(_: number, from: number, to: number, onRecord: (walk: EventWalk) => void): Promise<void> {
    for (let offset = from; offset < to; offset++) onRecord(this.at(offset));
  }

  async values(_: number, offsets: readonly number[]): Promise<ReadonlyMap<number, Buffer>> {
    return new Map(offsets.map((offset) => [offset, this.at(offset).value()!]));
  }
}

/** A record batch of version 2 with one record (Kafka protocol). */
function batchOf(offset: number, key: Buffer, value: Buffer): Buffer {
  const record = Buffer.concat([
    Buffer.from([0, 0, 0]),
    varint(key.length),
    key,
    varint(value.length),
    value,
    Buffer.from([0]),
  ]);
  const head = Buffer.alloc(61);
  const length = varint(record.length);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeInt32BE(49 + length.length + record.length, 8);
  head.writeInt8(2, 16);
  head.writeInt32BE(1, 57);
  return Buffer.concat([head, length, record]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
