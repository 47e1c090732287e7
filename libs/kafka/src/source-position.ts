import { crc32 } from 'node:zlib';

/** Where a source stands on a partition (rules 4 and 5). */
export interface SourcePosition {
  /** Of the last record; a later incarnation is greater, 0 is older than them all. */
  readonly incarnation: number;
  /** The last number seen. */
  readonly sequence: number;
  /** Digests of the newest records, that of `sequence` last: a number that comes again must have the same bytes. */
  readonly digests: readonly number[];
}

/** In memory: a resend repeats what was sent last, which is at most a round of the relay (500 records) or two. */
const digestsMax = 1_024;
const unseen: SourcePosition = { incarnation: 0, sequence: 0, digests: [] };

/** What follows from a record's number; only `next` is for the handler. */
export type Succession =
  | { readonly kind: 'next' | 'resent' }
  /** Records are missing, or a number stands for two events: the partition stops. */
  | { readonly kind: 'lost' | 'fork'; readonly why: string };

/**
 * CRC-32 of a record's value: whoever rewrites a history by accident does not meet it, and a cryptographic digest would
 * cost as much as the rest of reading a record. Rule 8's hash chain is what stands against intent.
 */
export function digestOf(value: Buffer): number {
  return crc32(value);
}

/** A source's position within a chunk: taken over from the one before, and moved record by record. */
export class MovingPosition implements SourcePosition {
  incarnation: number;
  sequence: number;
  readonly digests: number[];

  constructor(before: SourcePosition = unseen) {
    this.incarnation = before.incarnation;
    this.sequence = before.sequence;
    this.digests = [...before.digests];
  }

  move(incarnation: number, digest: number): void {
    this.incarnation = incarnation;
    this.sequence += 1;
    this.digests.push(digest);
  }

  /** As it is now, with no more digests than are kept. */
  settled(): SourcePosition {
    return {
      incarnation: this.incarnation,
      sequence: this.sequence,
      digests: this.digests.slice(-digestsMax),
    };
  }
}

const next: Succession = { kind: 'next' };
const resent: Succession = { kind: 'resent' };

/** What a record is to a source's position: the next one, a copy of a known one, or the sign of a broken log. */
export function succession(
  known: SourcePosition = unseen,
  record: { readonly sequence: number; readonly incarnation: number; readonly digest: number },
): Succession {
  const { sequence, incarnation } = record;
  const last = known.sequence;
  if (sequence > last + 1) {
    return { kind: 'lost', why: `after ${last}: ${sequence - last - 1} record(s) lost` };
  }
  if (sequence === last + 1) {
    return incarnation >= known.incarnation ? next : fork(`incarnation ${incarnation} speaks on`, known);
  }
  if (incarnation > known.incarnation) {
    return fork(`incarnation ${incarnation} gives a number out that was taken`, known);
  }
  const digest = known.digests.at(sequence - last - 1);
  const isKnown = last - sequence < known.digests.length;
  if (isKnown && digest !== record.digest)
    return fork('its bytes are not those seen under this number', known);
  if (!isKnown && incarnation < known.incarnation) {
    return fork(`incarnation ${incarnation} speaks on`, known);
  }
  return resent;
}

function fork(what: string, { incarnation, sequence }: SourcePosition): Succession {
  return { kind: 'fork', why: `a fork: ${what} after ${sequence} of incarnation ${incarnation}` };
}
