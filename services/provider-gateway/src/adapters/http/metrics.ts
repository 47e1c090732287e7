import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MeterCallbacks } from '../../application/callback-tally.ts';
import type { Count, Counted } from '../../application/ports.ts';

const helps: Readonly<Record<Counted, string>> = {
  contradiction: 'Final answers that say otherwise than the recorded one: people have to look at them',
  doubtful_answer:
    'Words of providers that settle nothing: undeclared ones, and successes whose amount cannot be read',
  unreadable_callback: 'Signed callbacks from which nothing can be learnt about a slip',
  unmatched_statement_line: 'Lines of daily statements that have no slip here, or cannot be read',
  refused_callback: 'Callbacks that were refused for their signature or their age',
  orphan_callback: 'Signed callbacks about slips that their provider was never given',
  orphan_result: 'Reported results whose slip can no longer come',
  dropped_result:
    'Reported results about slips whose hold was refused, or that do not fit the slip; listed as unmatched',
  repeated_answer: 'Answers that were known already',
  abandoned_attempt: 'Attempts whose sender was gone',
  unknown_slip: 'Events about slips whose submission was never read',
  unknown_event_type: 'Events of types that only a newer release knows: passed over',
};

/** Who is called, and for what. */
interface CallFor {
  readonly provider: string;
  readonly route: string;
  readonly call: string;
}

/** How one call to a provider ended. */
interface MeteredCall extends CallFor {
  readonly outcome: string;
  readonly reason: string;
  readonly tookMs: number;
}

/** What is counted of a provider's callbacks, as the metric names it. */
const callbackKinds = { accepted: 'accepted', refused: 'refused', aboutItsSlips: 'about_its_slips' } as const;

/**
 * The service's own Prometheus metrics; what is about a route that is none of `routes` (any more) is counted without one.
 * @param providers whose callbacks are counted, from 0 on: so that the first of them is seen to come
 */
export function counters(
  routes: { has(route: string): boolean },
  providers: Iterable<string> = [],
): {
  readonly count: Count;
  readonly meter: (call: MeteredCall) => void;
  readonly underWay: (call: CallFor, by: number) => void;
  readonly meterCallback: MeterCallbacks;
  register(registry: Registry): void;
} {
  const calls = new Histogram({
    name: 'slipstream_gateway_call_duration_seconds',
    help: 'Calls to providers, by their end',
    labelNames: ['provider', 'route', 'call', 'outcome', 'reason'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [],
  });
  const underWay = new Gauge({
    name: 'slipstream_gateway_calls_under_way',
    help: 'Calls to providers that have not ended yet',
    labelNames: ['provider', 'route', 'call'],
    registers: [],
  });
  const callbacks = new Counter({
    name: 'slipstream_gateway_callbacks_total',
    help: 'Callbacks by provider: accepted, refused because none of our secrets makes their signature, and of these about slips that it has',
    labelNames: ['provider', 'kind'],
    registers: [],
  });
  for (const provider of providers)
    for (const kind of Object.values(callbackKinds)) callbacks.inc({ provider, kind }, 0);
  const all = Object.fromEntries(
    Object.entries(helps).map(([name, help]) => [
      name,
      new Counter({ name: `slipstream_gateway_${name}s_total`, help, registers: [] }),
    ]),
  ) as Record<Counted, Counter>;
  const declared = <Call extends CallFor>(call: Call): Call =>
    routes.has(call.route) ? call : { ...call, route: '' };
  return {
    count: (what, times = 1) => all[what].inc(times),
    meter({ tookMs, ...call }) {
      calls.observe({ ...declared(call) }, tookMs / 1_000);
    },
    underWay: (call, by) => underWay.inc({ ...declared(call) }, by),
    meterCallback: (provider, what) => callbacks.inc({ provider, kind: callbackKinds[what] }),
    register(registry) {
      registry.registerMetric(calls);
      registry.registerMetric(underWay);
      registry.registerMetric(callbacks);
      for (const counter of Object.values(all)) registry.registerMetric(counter);
    },
  };
}
