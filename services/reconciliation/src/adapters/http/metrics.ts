import { Counter, Gauge, type Registry } from 'prom-client';
import type { Sight } from '../../application/watch-blindness.ts';

/** Gauges that are read when they are asked for. */
export function registerMetrics(registry: Registry, sight: () => Sight): void {
  const gauge = (name: string, help: string, read: (sight: Sight) => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(read(sight()));
      },
    });
  gauge(
    'slipstream_detector_blind',
    '1 when deadlines could not be judged for longer than blind_ms_max',
    (now) => Number(now.blind),
  );
  gauge(
    'slipstream_detector_lag_seconds',
    'How far the time up to which deadlines can be judged lies behind',
    (now) => now.lagMs / 1000,
  );
  gauge('slipstream_open_slips', 'Live slips without a verdict', (now) => now.openSlips);
}

/** Counts the events of types that only a newer release knows. */
export function unknownTypesCounter(): { count(events: number): void; register(registry: Registry): void } {
  const counter = new Counter({
    name: 'slipstream_reconciliation_unknown_event_types_total',
    help: 'Events of types that only a newer release knows: passed over',
    registers: [],
  });
  return { count: (events) => counter.inc(events), register: (registry) => registry.registerMetric(counter) };
}
