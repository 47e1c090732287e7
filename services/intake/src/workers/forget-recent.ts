import { Loop } from '@slipstream/runtime';
import type { GateRules } from '../domain/submission/gates.ts';

export interface ForgetRecentOptions {
  readonly gates: GateRules;
  /** Deletes a page of what windows look back at that lies further back, in milliseconds; true: there may be more. */
  readonly forget: (windowMs: number) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

const everyMs = 60_000;

/** Keeps of the slips that windows look back at no more than they do; null: there are no windows. */
export function forgetRecent({ gates, forget, onError }: ForgetRecentOptions): Loop | null {
  const windowMs = Math.max(gates.duplicateWindowMs, ...gates.limits.map((limit) => limit.windowMs));
  if (windowMs === 0) return null;
  const round = async () => ((await forget(windowMs)) ? 0 : everyMs);
  return new Loop({ name: 'recent slips', pauseMs: 0, round, onError });
}
