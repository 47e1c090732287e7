import { registerClockMetrics } from '../../libs/runtime/src/clock-metrics.ts';
import { databaseMetrics } from '../../libs/runtime/src/database-metrics.ts';
import { consumerMetrics, deadLetterMetrics, ownLogMetric } from '../../libs/runtime/src/metrics.ts';
import { watchRelay } from '../../libs/runtime/src/relay-watch.ts';
import { createMetrics, measureRequests, showBuild } from '../../libs/service-host/src/metrics.ts';
import { ledgerMetrics } from '../../services/ledger/src/adapters/metrics/ledger-metrics.ts';
import { counters } from '../../services/provider-gateway/src/adapters/http/metrics.ts';
import {
  lateStagesCounter,
  registerCases,
  registerMetrics,
  registerReturns,
  unknownTypesCounter,
} from '../../services/reconciliation/src/adapters/http/metrics.ts';

type Registry = ReturnType<typeof createMetrics>;

// Nothing is asked of these: metrics are described, not read.
const nobody = {} as never;

/** By who shows them, and by the file that names them: no file of metrics is forgotten here. */
export const registrations: Record<string, Record<string, (registry: Registry) => void>> = {
  'Every service': {
    'libs/runtime/src/metrics.ts': (registry) => {
      consumerMetrics().register(registry);
      deadLetterMetrics(registry, nobody);
      ownLogMetric(registry, nobody);
    },
    'libs/runtime/src/clock-metrics.ts': (registry) => registerClockMetrics(registry, nobody),
    'libs/runtime/src/relay-watch.ts': (metrics) => {
      const health = { register: () => {} };
      watchRelay(nobody, { metrics, health, startTransport: nobody }, nobody);
    },
    'libs/runtime/src/database-metrics.ts': (registry) => databaseMetrics(registry, nobody, nobody),
    'libs/service-host/src/metrics.ts': (registry) => {
      measureRequests({ addHook: () => {} } as never, registry);
      showBuild(registry);
    },
  },
  ledger: {
    'services/ledger/src/adapters/metrics/ledger-metrics.ts': (registry) =>
      ledgerMetrics(nobody, [{ id: 'payouts', providers: [{ id: 'acme' }] }]).register(registry),
  },
  'provider-gateway': {
    'services/provider-gateway/src/adapters/http/metrics.ts': (registry) =>
      counters(new Set(), ['acme']).register(registry),
  },
  reconciliation: {
    'services/reconciliation/src/adapters/http/metrics.ts': (registry) => {
      registerMetrics(registry, nobody);
      unknownTypesCounter().register(registry);
      lateStagesCounter().register(registry);
      registerReturns(registry, () => []);
      registerCases(registry, { countMax: null, amountMax: new Map(), ownTroubleMax: null }, nobody);
    },
  },
};

export interface Described {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** What a service's own metrics are, by who shows them; those of the process are left out. */
export function describedMetrics(): Record<string, Described[]> {
  return Object.fromEntries(
    Object.entries(registrations).map(([who, files]) => {
      const registry = createMetrics(who);
      const ofTheProcess = new Set(registry.getMetricsAsArray().map(({ name }) => name));
      for (const register of Object.values(files)) register(registry);
      const metrics = registry.getMetricsAsArray() as unknown as Described[];
      return [who, metrics.filter(({ name }) => !ofTheProcess.has(name))];
    }),
  );
}

export const typeOf = (metric: Described): string => metric.constructor.name.toLowerCase();
