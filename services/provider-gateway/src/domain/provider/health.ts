import type { ProviderHealth } from '@slipstream/slip';

/** What the latest calls to a provider came to, seen from one instance. */
export interface CallSigns {
  /** False while calls are stopped because too many failed, or one tries it again. */
  readonly isCalled: boolean;
  readonly calls: number;
  /** Calls that ended without a usable answer. */
  readonly failures: number;
  /** 95 of 100 calls had ended by then; null: there was none. */
  readonly p95Ms: number | null;
}

/** Fewer say nothing. */
export const callsMin = 10;
const failingShare = 0.2;
/** A provider that was degraded has to be better than that before it counts as healthy: else it would change all the time. */
const recoveredShare = 0.1;
const slowShare = 0.8;

/** @param answerTimeoutMs after it a call is given up */
export function healthOf(before: ProviderHealth, signs: CallSigns, answerTimeoutMs: number): ProviderHealth {
  if (!signs.isCalled) return 'down';
  if (signs.calls < callsMin) return before === 'down' ? 'degraded' : before;
  const share = before === 'healthy' ? failingShare : recoveredShare;
  const isSlow = signs.p95Ms !== null && signs.p95Ms >= slowShare * answerTimeoutMs;
  return signs.failures / signs.calls >= share || isSlow ? 'degraded' : 'healthy';
}
