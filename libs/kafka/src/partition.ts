const seed = 0x9747b28c;
const mix = 0x5bd1e995;

/**
 * The partition Kafka's own default partitioner (murmur2, as in the Java client) gives `key`. kafkajs computes the same
 * with big integers, which takes longer than anything else that is done for an event.
 */
export function partitionOf(key: string, partitions: number): number {
  const bytes = Buffer.from(key);
  return partitionOfBytes(bytes, 0, bytes.length, partitions);
}

/** The same of a key that lies among other bytes. */
export function partitionOfBytes(
  bytes: Uint8Array,
  from: number,
  length: number,
  partitions: number,
): number {
  return (murmur2(bytes, from, length) & 0x7fff_ffff) % partitions;
}

function murmur2(bytes: Uint8Array, from: number, length: number): number {
  const end = from + length;
  const whole = from + (length & ~3);
  let hash = seed ^ length;
  for (let at = from; at < whole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    const mixed = Math.imul(word, mix);
    hash = Math.imul(hash, mix) ^ Math.imul(mixed ^ (mixed >>> 24), mix);
  }
  if (end > whole) {
    for (let at = end - 1; at >= whole; at--) hash ^= bytes[at]! << (8 * (at - whole));
    hash = Math.imul(hash, mix);
  }
  hash = Math.imul(hash ^ (hash >>> 13), mix);
  return hash ^ (hash >>> 15);
}
