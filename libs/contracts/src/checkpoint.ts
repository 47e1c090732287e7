import type { Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import { cloudEventContentType, decodeData, encodeCloudEvent } from './codec.ts';
import { readEnvelope } from './envelope.ts';
import { CheckpointSignedSchema } from './generated/slipstream/ledger/v1/checkpoints_pb.ts';
import { encodeMessage } from './message-codec.ts';
import { sources } from './sources.ts';

/** A checkpoint of the ledger as it is published: its numbers are in the note, so it has no `sequence`. */
export interface PublishedCheckpoint {
  /** Also the event's. */
  readonly id: string;
  readonly at: Instant;
  /** The signed note (C2SP). */
  readonly note: string;
  /** Whose signature the note has. */
  readonly verifierKey: string;
}

export const checkpointType = 'slipstream.ledger.checkpoint_signed.v1';
export const checkpointKey = 'ledger';
export const checkpointHeaders = { 'content-type': cloudEventContentType } as const;

/** The value of a record of `ledger.checkpoints.v1`. */
export function encodeCheckpoint({ id, at, ...data }: PublishedCheckpoint): Uint8Array {
  const head = {
    id,
    source: sources.ledger,
    type: checkpointType,
    subject: checkpointKey,
    clock: wallClock,
    time: at,
  };
  return encodeCloudEvent(head, encodeMessage(CheckpointSignedSchema, data));
}

/** null: of another type. @throws `undecodable_record` | `too_new` */
export function decodeCheckpoint(value: Buffer): PublishedCheckpoint | null {
  const envelope = readEnvelope(value);
  if (envelope.type !== checkpointType) return null;
  const data = decodeData(CheckpointSignedSchema, envelope) as Pick<
    PublishedCheckpoint,
    'note' | 'verifierKey'
  >;
  return { id: envelope.id, at: envelope.time as Instant, note: data.note, verifierKey: data.verifierKey };
}
