import type { Lines } from './ports.ts';

/** Nobody waits for a call. */
export const noLines: Lines = {
  enter: () => 0,
  leave() {},
  accepted() {},
  expectedMs: () => 0,
  isThrottled: () => false,
};
