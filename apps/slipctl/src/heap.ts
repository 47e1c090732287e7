import { setFlagsFromString } from 'node:v8';

/**
 * Records that are read are garbage at once. V8 would let young garbage grow to a hundred MiB before it looks; a smaller nursery
 * holds slipctl to about half as much memory, and costs no time that can be measured beside reading them.
 */
export const heapFlags = ['--max-semi-space-size=8', '--semi-space-growth-factor=1'] as const;

/** Of this process; what it starts is given them as arguments. */
export function keepHeapSmall(): void {
  for (const flag of heapFlags) setFlagsFromString(flag);
}
