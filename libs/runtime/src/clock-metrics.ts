import { type Source, sources } from '@slipstream/contracts';
import { wallClock } from '@slipstream/slip';
import { Gauge, type Registry } from 'prom-client';
import type { SourceClocks } from './clock-guard.ts';

/** How far the clock of each service's database is off, as this service hears it. */
export function registerClockMetrics(registry: Registry, clocks: SourceClocks): void {
  new Gauge({
    name: 'slipstream_clock_skew_seconds',
    help: 'How far the clock of the source’s database lies ahead of the broker’s; negative: behind',
    labelNames: ['source'],
    registers: [registry],
    collect() {
      this.reset();
      for (const source of Object.values<Source>(sources)) {
        const { skewMs } = clocks.sourceClock(source, wallClock);
        if (skewMs !== null) this.set({ source }, skewMs / 1_000);
      }
    },
  });
}
