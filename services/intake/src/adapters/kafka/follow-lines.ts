import { sources, type Tick } from '@slipstream/contracts';
import { wallClock } from '@slipstream/slip';
import type { ToldProgress } from '../../application/expected-waits.ts';

/** The other services' ticks, as libs/kafka's TickReader keeps them. */
export interface Ticks {
  latest(source: string, clock: string): Tick | undefined;
  ageMs(source: string, clock: string): number;
  onTick(listener: (tick: Tick) => void): unknown;
}

/**
 * Passes on how far the services are that a slip goes through before its call, whenever the gateway says where it stands: the
 * ledger, which holds the money, and the gateway, which follows it and has the line in front of each provider.
 */
export function followLines(
  ticks: Ticks,
  lines: { told(progress: ToldProgress): void },
  monotonicMs = () => performance.now(),
): void {
  const { gateway, ledger } = sources;
  ticks.onTick(({ source, clock, behindMs, waits }) => {
    if (source !== gateway || clock !== wallClock) return;
    const atMs = monotonicMs() - ticks.ageMs(gateway, wallClock);
    const together = behindMs + (ticks.latest(ledger, wallClock)?.behindMs ?? 0);
    lines.told({
      ...{ atMs, behindMs: together },
      waits: new Map(waits.map(({ route, waitMs }) => [route, waitMs])),
    });
  });
}
