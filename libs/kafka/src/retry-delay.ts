import { backoffMs } from '@slipstream/kernel';

const limits = { minMs: 200, maxMs: 10_000 };

/** How long to wait for brokers or the database after so many failures in a row. */
export function retryDelayMs(failures: number): number {
  return backoffMs(failures, limits, Math.random());
}
