import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type CauseCode, causes, causeTexts } from '@slipstream/slip';
import { accountKinds, accountName } from '../../services/ledger/src/domain/posting/chart.ts';
import { type Described, describedMetrics, registrations, typeOf } from './registered-metrics.ts';

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

function rowOf(metric: Described): string {
  const { name, help, labelNames = [] } = metric;
  const labels = labelNames.map((label) => `\`${label}\``).join(' ');
  return [`\`${name}\``, typeOf(metric), labels, help].join(' | ');
}

test('docs/reference/metrics.md says what every metric is, in the words that /metrics says', () => {
  const registered = Object.fromEntries(
    Object.entries(describedMetrics()).map(([who, metrics]) => [who, metrics.map(rowOf).toSorted()]),
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

/** Whose an account is, as the page writes it. */
const owners: Readonly<Record<string, string>> = { payer: '<account>', provider: '<provider>', house: 'own' };

test('docs/reference/accounts.md tells the life of every account, and which the SQL program lets go below zero', () => {
  const chart = tables('docs/reference/accounts.md')['The chart']!.map((row) => row.split(' | '));
  const names = accountKinds.map((kind) => {
    const [side = ''] = accountName({ owner: '', kind }).split(':');
    return `\`${accountName({ owner: owners[side]!, kind })}\``;
  });
  expect(chart.map(([name]) => name)).toEqual(names);
  expect(chart.filter((cells) => cells.length !== 5 || cells.includes(''))).toEqual([]);
  const never = chart.filter((cells) => cells.at(-1)!.startsWith('never')).map(([name]) => name);
  const [, checked = ''] = /where kind in \(([^)]*)\) group by/.exec(read('services/ledger/sql/check.sql'))!;
  const kinds = accountKinds.filter((kind) => checked.includes(`'${kind}'`));
  expect(never).toEqual(kinds.map((kind) => names[accountKinds.indexOf(kind)]));
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
