import { type Instant, SlipstreamError } from '@slipstream/kernel';
import { TickSchema } from './generated/slipstream/common/v1/common_pb.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';

/** One partition's part of a tick. `offset` is a Kafka offset of `slips.events.v1`. */
export interface PartitionMark {
  readonly partition: number;
  readonly time: Instant;
  readonly offset: bigint;
}

/** Rule 6: whatever `source` publishes about input received at or before `time` already lies before `offset`. */
export interface Tick {
  readonly source: string;
  readonly clock: string;
  readonly marks: readonly PartitionMark[];
  readonly closed: boolean;
  /** The clock of the source's database when the marks were read; null on imported clocks. */
  readonly reading: Instant | null;
  /** The earliest time that the source waits to see vouched for by the others; null: none. */
  readonly awaits: Instant | null;
  /** How long the tick before this one was on its way to the broker and back; 0: nobody knows. */
  readonly sentInMs: number;
  /** How long the slips' events lay before the source handled them, of late; 0: nobody knows, or they did not. */
  readonly behindMs: number;
  /** Routes of which slips that are due stand in line at the source. */
  readonly waits: readonly RouteWait[];
  /** How long the source had said nothing before, where it had meant to speak earlier; 0: it came when it was due. */
  readonly silentMs: number;
}

/** How long the first slip of a route has stood in line. */
export interface RouteWait {
  readonly route: string;
  readonly waitMs: number;
}

type Measured = 'reading' | 'awaits' | 'sentInMs' | 'behindMs' | 'waits' | 'silentMs';

/** A tick to be published. */
export type NewTick = Omit<Tick, Measured> & Partial<Pick<Tick, Measured>>;

/** The key of a tick on the compacted topic. */
export function tickKey(source: string, clock: string): string {
  return `${source} ${clock}`;
}

export function encodeTick(tick: NewTick): Uint8Array {
  return encodeMessage(TickSchema, tick);
}

export function decodeTick(value: Buffer): Tick {
  try {
    return decodeMessage(TickSchema, value, 'the value') as Tick;
  } catch (cause) {
    throw new SlipstreamError('undecodable_record', 'the value is no watermark tick', { cause });
  }
}
