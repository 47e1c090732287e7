import { Counter, type Registry } from 'prom-client';
import type { Count, Counted } from '../../application/ports.ts';

const helps: Readonly<Record<Counted, string>> = {
  contradiction: 'Final answers that deny the recorded one: people have to look at them',
  orphan_callback: 'Signed callbacks about slips that their provider was never given',
  orphan_result: 'Reported results whose slip can no longer come',
  dropped_result: 'Reported results about slips whose hold was refused, or that do not fit the slip',
  repeated_answer: 'Answers that were known already',
  abandoned_attempt: 'Attempts whose sender was gone',
  unknown_slip: 'Events about slips whose submission was never read',
  unknown_event_type: 'Events of types that only a newer release knows: passed over',
};

/** The service's own Prometheus counters. */
export function counters(): { readonly count: Count; register(registry: Registry): void } {
  const all = Object.fromEntries(
    Object.entries(helps).map(([name, help]) => [
      name,
      new Counter({ name: `slipstream_gateway_${name}s_total`, help, registers: [] }),
    ]),
  ) as Record<Counted, Counter>;
  return {
    count: (what, times = 1) => all[what].inc(times),
    register(registry) {
      for (const counter of Object.values(all)) registry.registerMetric(counter);
    },
  };
}
