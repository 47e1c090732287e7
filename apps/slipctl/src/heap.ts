import { setFlagsFromString } from 'node:v8';

/**
 * Records that are read are garbage at once. V8 would let young garbage grow to a hundred MiB before it looks; a smaller nursery
 * holds slipctl to about half as much memory, and costs no time that can be measured beside reading them.
 */
export const heapFlags = ['--max-semi-space-size=8', '--semi-space-growth-factor=1'] as const;

/**
 * For what it starts. By the machine's memory V8 would let what is alive grow fourfold before it collects all of it; by a limit of this size
 * not by half. It is far above what any of these programs holds.
 */
export const programFlags = [...heapFlags, '--max-old-space-size=512'] as const;

/**
 * For this program, which is given no limit when it starts: the same fourfold growth made an import hold the more the longer its file is, though
 * what is alive does not grow. By this percentage it does not, for a fifth more CPU.
 */
const ownFlags = [...heapFlags, '--heap-growing-percent=60'] as const;

/** Of this process; what it starts is given its own as arguments. */
export function keepHeapSmall(): void {
  for (const flag of ownFlags) setFlagsFromString(flag);
}
