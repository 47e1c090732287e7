import { Loop, type Part } from '@slipstream/runtime';
import type { BalanceCheck } from '../application/check-balances.ts';

export interface BalanceLooks extends Part {
  /** Something was booked: there is something to look at. */
  readonly wake: () => void;
}

/** So little of it that nothing of the ledger's speed is lost. */
const pauseMs = 10_000;
const shownMax = 3;

/** Looks at balances as long as something is booked, and not otherwise. What is broken is told: it keeps nobody from working. */
export function balanceLooks(check: BalanceCheck, onError: (error: unknown) => void): BalanceLooks {
  const round = async () => {
    await check.look();
    return null;
  };
  const loop = new Loop({ name: 'balances', pauseMs, round, onError });
  return {
    name: loop.name,
    wake: loop.wake,
    start: () => loop.start(),
    stop: () => loop.stop(),
    health: () => ({ ok: true, ...detailOf(check.broken) }),
  };
}

function detailOf(broken: readonly string[]): { detail?: string } {
  if (broken.length === 0) return {};
  const names = broken.slice(0, shownMax).join(', ');
  return { detail: `${broken.length} balances are not the fold of their entries: ${names}; see check.sql` };
}
