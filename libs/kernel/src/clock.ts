import type { Instant } from './instant.ts';

/** Time as a port. Verdicts never use it (they use the database's clock): it is for waits and displays. */
export interface Clock {
  /** This process's idea of the time. */
  now(): Instant;
  /** Milliseconds on a clock that never steps; only differences mean anything. */
  monotonicMs(): number;
}
