import type { ProviderHealth } from '@slipstream/slip';

/** What its probes say: how many were answered, or not, in a row up to the latest; one of them is 0. */
export interface ProbeSigns {
  readonly answered: number;
  readonly failed: number;
  /** What was wrong with the latest; null: nothing. */
  readonly problem: string | null;
}

/** What the latest calls to a provider came to, seen from one instance. */
export interface CallSigns {
  /** False while calls are stopped because too many failed, or one tries it again. */
  readonly isCalled: boolean;
  readonly calls: number;
  /** Calls that ended without a usable answer. */
  readonly failures: number;
  /** 95 of 100 calls had ended by then; null: there was none. */
  readonly p95Ms: number | null;
  /** Null: it is not asked. */
  readonly probe: ProbeSigns | null;
}

/** Fewer say nothing. */
export const callsMin = 10;
const failingShare = 0.2;
/** A provider that was degraded has to be better than that before it counts as healthy: else it would change all the time. */
const recoveredShare = 0.1;
const slowShare = 0.8;

/** So many probes in a row say something. */
const probesMin = 3;

/** Whether its probes say that it is not there. */
export function isMissing(probe: ProbeSigns | null): boolean {
  return probe !== null && probe.failed >= probesMin;
}

/** @param answerTimeoutMs after it a call is given up */
export function healthOf(before: ProviderHealth, signs: CallSigns, answerTimeoutMs: number): ProviderHealth {
  if (!signs.isCalled) return 'down';
  if (isMissing(signs.probe)) return 'degraded';
  if (signs.calls < callsMin) {
    if (signs.probe !== null && signs.probe.answered >= probesMin) return 'healthy';
    return before === 'down' ? 'degraded' : before;
  }
  const share = before === 'healthy' ? failingShare : recoveredShare;
  const isSlow = signs.p95Ms !== null && signs.p95Ms >= slowShare * answerTimeoutMs;
  return signs.failures / signs.calls >= share || isSlow ? 'degraded' : 'healthy';
}
