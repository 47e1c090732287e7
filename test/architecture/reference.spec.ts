import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type CauseCode, causes, causeTexts } from '@slipstream/slip';
import { registerClockMetrics } from '../../libs/runtime/src/clock-metrics.ts';
import { databaseMetrics } from '../../libs/runtime/src/database-metrics.ts';
import { consumerMetrics, deadLetterMetrics, ownLogMetric } from '../../libs/runtime/src/metrics.ts';
import { watchRelay } from '../../libs/runtime/src/relay-watch.ts';
import { createMetrics, measureRequests, showBuild } from '../../libs/service-host/src/metrics.ts';
import { ledgerMetrics } from '../../services/ledger/src/adapters/metrics/ledger-metrics.ts';
import { counters } from '../../services/provider-gateway/src/adapters/http/metrics.ts';
import {
  registerCases,
  registerMetrics,
  registerReturns,
  unknownTypesCounter,
} from '../../services/reconciliation/src/adapters/http/metrics.ts';

type Registry = ReturnType<typeof createMetrics>;

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The rows of a page's tables below each heading, cells without padding. */
function tables(page: string): Record<string, string[]> {
  const sections = read(page).split(/^## /m).slice(1);
  return Object.fromEntries(
    sections.map((section) => {
      const [heading, ...lines] = section.split('\n');
      const rows = lines.filter((line) => line.startsWith('| `'));
      return [
        heading,
        rows.map((row) =>
          row
            .slice(1, -1)
            .split('|')
            .map((cell) => cell.trim())
            .join(' | '),
        ),
      ];
    }),
  );
}

// Nothing is asked of these: metrics are described, not read.
const nobody = {} as never;

/** By who shows them, and by the file that names them: no file of metrics is forgotten here. */
const registrations: Record<string, Record<string, (registry: Registry) => void>> = {
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
      ledgerMetrics(nobody).register(registry),
  },
  'provider-gateway': {
    'services/provider-gateway/src/adapters/http/metrics.ts': (registry) => counters().register(registry),
  },
  reconciliation: {
    'services/reconciliation/src/adapters/http/metrics.ts': (registry) => {
      registerMetrics(registry, nobody);
      unknownTypesCounter().register(registry);
      registerReturns(registry, () => []);
      registerCases(registry, { countMax: null, amountMax: new Map(), ownTroubleMax: null }, nobody);
    },
  },
};

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

function rowOf(metric: Described): string {
  const { name, help, labelNames = [] } = metric;
  const labels = labelNames.map((label) => `\`${label}\``).join(' ');
  return [`\`${name}\``, metric.constructor.name.toLowerCase(), labels, help].join(' | ');
}

test('docs/reference/metrics.md says what every metric is, in the words that /metrics says', () => {
  const registered = Object.fromEntries(
    Object.entries(registrations).map(([who, files]) => {
      const registry = createMetrics(who);
      const ofTheProcess = new Set(registry.getMetricsAsArray().map(({ name }) => name));
      for (const register of Object.values(files)) register(registry);
      const metrics = registry.getMetricsAsArray() as unknown as Described[];
      return [
        who,
        metrics
          .filter(({ name }) => !ofTheProcess.has(name))
          .map(rowOf)
          .toSorted(),
      ];
    }),
  );
  const named = tables('docs/reference/metrics.md');
  for (const [who, rows] of Object.entries(registered))
    expect([who, named[who]?.toSorted()]).toEqual([who, rows]);
  expect(Object.keys(named).toSorted()).toEqual(Object.keys(registered).toSorted());
});

test('docs/reference/causes.md says of every cause what its texts say', () => {
  const rows = Object.entries(causes).map(([code, { class: kind }]) => {
    const { operator, advice } = causeTexts[code as CauseCode].en;
    return [`\`${code}\``, kind, operator, advice].join(' | ');
  });
  expect(tables('docs/reference/causes.md').Causes).toEqual(rows);
});

test('no file that makes metrics is left out of that page', () => {
  const exclude = ['**/*.spec.ts', '**/node_modules/**'];
  const makers = globSync('{libs,services,apps}/*/src/**/*.ts', { cwd: root, exclude }).filter((file) =>
    /^import \{[^}]*\b(?:Counter|Gauge|Histogram|Summary)\b[^}]*\} from 'prom-client'/m.test(read(file)),
  );
  const known = Object.values(registrations).flatMap((files) => Object.keys(files));
  expect(makers.toSorted()).toEqual(known.toSorted());
});

/** What Nest and the guard keep of a controller (`@nestjs/common/constants`, `libs/service-host/src/auth.ts`). */
const kept = { path: 'path', method: 'method', access: 'slipstream:access' };
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];

function routesOf(controller: new () => unknown): string[] {
  const base = Reflect.getMetadata(kept.path, controller) as string;
  return Object.getOwnPropertyNames(controller.prototype).flatMap((name) => {
    const handler = controller.prototype[name];
    if (name === 'constructor') return [];
    const path = Reflect.getMetadata(kept.path, handler) as string | undefined;
    if (path === undefined) return [];
    const access =
      Reflect.getMetadata(kept.access, handler) ?? Reflect.getMetadata(kept.access, controller) ?? 'nobody';
    const shown =
      access === 'public'
        ? 'everybody'
        : [access]
            .flat()
            .map((scope) => `\`${scope}\``)
            .join(' ');
    // The router's `::` is a colon.
    const address = `/${[base, path].filter((part) => part !== '/').join('/')}`.replaceAll('::', ':');
    return [`\`${methods[Reflect.getMetadata(kept.method, handler)]} ${address}\` | ${shown}`];
  });
}

async function controllersIn(pattern: string): Promise<(new () => unknown)[]> {
  const files = globSync(pattern, { cwd: root, exclude: ['**/*.spec.ts'] }).filter((file) =>
    /^@Controller\(/m.test(read(file)),
  );
  const modules = await Promise.all(files.map((file) => import(join(root, file))));
  return modules
    .flatMap((module) => Object.values(module))
    .filter(
      (one): one is new () => unknown => typeof one === 'function' && Reflect.hasMetadata(kept.path, one),
    );
}

test('docs/reference/routes.md names every route and who may call it', async () => {
  const named = tables('docs/reference/routes.md');
  const places = {
    'Every service': 'libs/service-host/src/*.ts',
    ...Object.fromEntries(
      ['intake', 'ledger', 'provider-gateway', 'reconciliation'].map((name) => [
        name,
        `services/${name}/src/adapters/http/*.ts`,
      ]),
    ),
  };
  for (const [who, pattern] of Object.entries(places)) {
    const routes = (await controllersIn(pattern)).flatMap(routesOf);
    const rows = named[who]?.map((row) => row.split(' | ').slice(0, 2).join(' | '));
    expect([who, rows?.toSorted()]).toEqual([who, routes.toSorted()]);
  }
  expect(Object.keys(named).toSorted()).toEqual(Object.keys(places).toSorted());
});
