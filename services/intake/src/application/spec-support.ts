import type { Lines } from './ports.ts';

/** Nobody waits for a call. */
export const noLines: Lines = { accepted() {}, expectedMs: () => 0, isThrottled: () => false };
