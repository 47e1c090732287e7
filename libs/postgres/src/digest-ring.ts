/** So many are stored: a restarted process recognises what is sent again right after what it read last. */
const digestsMax = 64;

/**
 * A source's newest digests as it is stored: how many there are (one byte), then four bytes for each at the place that its
 * number has, `sequence` modulo 64. So one event more changes four bytes of the row, and PostgreSQL, which logs what lies
 * between the first and the last byte that differ, logs half of what it did when all of them moved up.
 */
export function toRing(sequence: number, digests: readonly number[]): Buffer {
  const kept = digests.slice(-digestsMax);
  const ring = Buffer.alloc(1 + digestsMax * 4);
  ring.writeUInt8(kept.length);
  for (const [index, digest] of kept.entries())
    ring.writeUInt32BE(digest, placeOf(sequence - kept.length + 1 + index));
  return ring;
}

/** The digests of a ring, that of `sequence` last. */
export function fromRing(sequence: number, ring: Buffer): number[] {
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
