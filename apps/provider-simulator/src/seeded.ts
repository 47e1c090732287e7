import { createHash } from 'node:crypto';

/**
 * A number in [0, 1) that depends on its arguments alone. Every decision of the simulator is made this way and
 * not by a random stream, so that the same seed decides the same whatever the order and timing of requests.
 */
export function roll(seed: string, ...parts: readonly (string | number)[]): number {
  return digest(seed, parts).readUIntBE(0, 6) / 2 ** 48;
}

/** A short identifier that depends on its arguments alone. */
export function seededId(seed: string, ...parts: readonly (string | number)[]): string {
  return digest(seed, parts).toString('hex', 0, 8);
}

/** The whole number at `share` (0..1) of an inclusive range. */
export function between(range: readonly [number, number], share: number): number {
  return Math.round(range[0] + share * (range[1] - range[0]));
}

function digest(seed: string, parts: readonly (string | number)[]): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...parts]))
    .digest();
}
