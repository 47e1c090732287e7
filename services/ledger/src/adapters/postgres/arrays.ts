/**
 * Array parameters as PostgreSQL's array literals. The driver's own encoding of arrays costs more than half of the CPU
 * time of a batch: it escapes every value and sends bytes twice as long, in hex.
 */

const plain = /^[A-Za-z0-9:/._-]+$/;

/** `text[]` and whatever is cast from it. */
export function textArray(values: readonly (string | null)[]): string {
  let literal = '{';
  for (const value of values) {
    if (literal.length > 1) literal += ',';
    if (value === null) literal += 'NULL';
    // Unquoted, the word NULL would mean null, whatever its case.
    else if (plain.test(value) && !(value.length === 4 && value.toUpperCase() === 'NULL')) literal += value;
    else literal += `"${value.replace(/["\\]/g, '\\$&')}"`;
  }
  return `${literal}}`;
}

/** `bigint[]`, `int[]`, `numeric[]` and `boolean[]`. */
export function plainArray(values: readonly (number | bigint | boolean | null)[]): string {
  let literal = '{';
  for (const value of values) {
    if (literal.length > 1) literal += ',';
    literal += value === null ? 'NULL' : value;
  }
  return `${literal}}`;
}

/** Stands between texts that hold no control characters, as JSON never does: `string_to_array($1, chr(31))`. */
export function joined(texts: readonly string[]): string {
  return texts.join('\x1f');
}

/** Byte strings one after the other, to be cut by their lengths: `substring($1 from start for length)`. */
export function concatenated(parts: readonly Uint8Array[]): {
  readonly bytes: Buffer;
  readonly starts: string;
  readonly lengths: string;
} {
  const starts: number[] = [];
  // PostgreSQL counts from one.
  let start = 1;
  for (const part of parts) {
    starts.push(start);
    start += part.length;
  }
  return {
    bytes: Buffer.concat(parts),
    starts: plainArray(starts),
    lengths: plainArray(parts.map((part) => part.length)),
  };
}
