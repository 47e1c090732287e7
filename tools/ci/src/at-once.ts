const GIB = 1024 ** 3;

/** How many files run at once: most of their time is waiting, so more than there are cores, as long as there is memory for each. */
export function atOnce(most: number, gibEach: number, memoryBytes: number): number {
  return Math.max(1, Math.min(most, Math.floor(memoryBytes / (gibEach * GIB))));
}
