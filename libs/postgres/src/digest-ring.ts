/** So many are stored: a restarted process recognises what is sent again right after what it read last. */
const digestsMax = 64;

/** Every so many events the ring is written; those since then lie beside it. */
const ringEvery = 16;
const ringBytes = 1 + digestsMax * 4;

/** A source's newest digests as a row of `consumer_sequence` has them. */
export interface StoredDigests {
  /** Those behind the ring, in the order of their numbers. */
  readonly digests: Buffer;
  readonly ring: Buffer;
}

/**
 * The ring has the digests up to the last number that is a multiple of 16, the others lie before it in the row: so an
 * update changes the number and a few bytes behind it, and the ring only once in a while. PostgreSQL logs what lies between the
 * first and the last byte that differ.
 */
export function toStored(sequence: number, digests: readonly number[]): StoredDigests {
  const behind = sequence % ringEvery;
  const newest = digests.slice(Math.max(0, digests.length - behind));
  const bytes = Buffer.alloc(newest.length * 4);
  for (const [index, digest] of newest.entries()) bytes.writeUInt32BE(digest, index * 4);
  return {
    digests: bytes,
    ring: toRing(sequence - behind, digests.slice(0, digests.length - newest.length)),
  };
}

/**
 * The last 64 of them, that of `sequence` last. A release before this one wrote them all beside a ring that it left as it
 * was, or all into the ring: so the ring says up to where it goes, and counts only where the others begin right behind that.
 */
export function fromStored(sequence: number, digests: Buffer, ring: Buffer | null): number[] {
  if (digests.length === 0) return ring === null ? [] : fromRing(sequence, ring);
  const newest = Array.from({ length: digests.length / 4 }, (_, index) => digests.readUInt32BE(index * 4));
  const reaches = sequence - newest.length;
  if (ring === null || ring.length <= ringBytes || Number(ring.readBigUInt64BE(ringBytes)) !== reaches)
    return newest;
  return [...fromRing(reaches, ring), ...newest].slice(-digestsMax);
}

/**
 * How many there are (one byte), then four bytes for each at the place that its number has, `sequence` modulo 64, then
 * `sequence`.
 */
function toRing(sequence: number, digests: readonly number[]): Buffer {
  const kept = digests.slice(-digestsMax);
  const ring = Buffer.alloc(ringBytes + 8);
  ring.writeUInt8(kept.length);
  for (const [index, digest] of kept.entries())
    ring.writeUInt32BE(digest, placeOf(sequence - kept.length + 1 + index));
  ring.writeBigUInt64BE(BigInt(sequence), ringBytes);
  return ring;
}

/** The digests of a ring, that of `sequence` last. */
function fromRing(sequence: number, ring: Buffer): number[] {
  const count = ring.readUInt8();
  return Array.from({ length: count }, (_, index) =>
    ring.readUInt32BE(placeOf(sequence - count + 1 + index)),
  );
}

/** The last digest of `consumer_sequence q` as hexadecimal text, null where none is known. */
export const lastDigestSql = `
case when q.digests <> '' then encode(substring(q.digests from octet_length(q.digests) - 3), 'hex')
  when get_byte(q.ring, 0) > 0 then encode(substring(q.ring from (2 + 4 * (q.seq % ${digestsMax}))::int for 4), 'hex') end`;

function placeOf(sequence: number): number {
  return 1 + (sequence % digestsMax) * 4;
}
