import { freePorts, type OwnedDatabase } from '@slipstream/environment';
import type { ProcessSpec } from '../supervisor/supervised-process.ts';
import { compiled } from './paths.ts';

/** Of what nobody waits for: half of the weight of a process that nobody changed. */
export const behind = 3;

/**
 * Every service, in the order of their start, with its database and the variable that names its URL. `youngMiB`: V8's
 * semi-space. What requests leave behind dies young: intake takes a quarter less CPU with 8 MiB than with 2, for 10 MiB
 * more of resident memory; so does what the ledger's units leave. `oldMiB`: V8's old space. The ledger has the slips under way
 * there, and five units of records: 75 MiB outlive a full collection, and V8 goes halfway from there to this limit before the next. What is
 * fetched lies outside of V8's heap, but V8 collects all of the heap when both together have grown ({@link growPercent}). `niceness`: callers wait for
 * intake; the others catch up. On a full machine it waited for its turn as long as they did, 60 to 130 ms of each hundredth answer (ADR 94).
 */
export const SERVICES = {
  intake: { database: 'intake', variable: 'INTAKE_URL', youngMiB: 8, oldMiB: 96, niceness: -8 },
  'provider-gateway': {
    database: 'provider_gateway',
    variable: 'GATEWAY_URL',
    youngMiB: 2,
    oldMiB: 96,
    niceness: behind,
  },
  ledger: { database: 'ledger', variable: 'LEDGER_URL', youngMiB: 8, oldMiB: 136, niceness: behind },
  reconciliation: {
    database: 'reconciliation',
    variable: 'RECONCILIATION_URL',
    youngMiB: 8,
    oldMiB: 160,
    niceness: behind,
  },
} as const;

/**
 * By how much the heap, and what hangs on it, may grow between two full collections. V8's own 30 % for heaps as small as these
 * made one of every 20,000 records fetched: half of the reconciler's CPU, most of it beside the main thread.
 */
const growPercent = 100;

export type ServiceName = keyof typeof SERVICES;

/** How many of each service run; one where nothing is said, and 0 leaves a service out. */
export type InstanceCounts = Partial<Record<ServiceName, number>>;

/** One process that will run: the first of a service has the service's name, the second `<name>-2`. */
export interface Instance {
  name: string;
  service: ServiceName;
  url: string;
  port: number;
}

export async function planInstances(counts: InstanceCounts = {}): Promise<Instance[]> {
  const instances: Instance[] = [];
  for (const service of Object.keys(SERVICES) as ServiceName[]) {
    const ports = await freePorts(counts[service] ?? 1);
    for (const [index, port] of ports.entries()) {
      const name = index === 0 ? service : `${service}-${index + 1}`;
      instances.push({ name, service, port, url: `http://127.0.0.1:${port}` });
    }
  }
  return instances;
}

/** `INTAKE_URL` and so on: the first instance of each service. */
export function urlVariables(instances: Instance[]): Record<string, string> {
  const first = instances.filter((instance) => instance.name === instance.service);
  return Object.fromEntries(first.map(({ service, url }) => [SERVICES[service].variable, url]));
}

/**
 * @param shared what every service gets besides its own port and database; `own`: what only this one gets; `preload`: a module
 * that Node loads before it
 */
export function serviceSpec(
  instance: Instance,
  database: OwnedDatabase,
  shared: Record<string, string>,
  { own = {}, preload }: { own?: Record<string, string> | undefined; preload?: string | undefined } = {},
): ProcessSpec {
  const { youngMiB, oldMiB, niceness } = SERVICES[instance.service];
  return {
    name: instance.name,
    args: [
      ...(preload === undefined ? [] : ['--import', preload]),
      `--heap-growing-percent=${growPercent}`,
      compiled(`services/${instance.service}/dist/main.js`),
    ],
    env: {
      ...shared,
      ...own,
      PORT: String(instance.port),
      // The same after a restart: leases that the dead process held are taken over at once.
      INSTANCE_ID: instance.name,
      // glibc keeps an arena per thread otherwise: tens of MiB that nobody uses.
      MALLOC_ARENA_MAX: '2',
      DATABASE_URL: database.url,
      MIGRATION_DATABASE_URL: database.migrationUrl,
      DRAIN_TIMEOUT_MS: '15000', // before the supervisor's SIGKILL
      NODE_OPTIONS: `--max-old-space-size=${oldMiB} --max-semi-space-size=${youngMiB} --disable-warning=TimeoutNegativeWarning`,
    },
    readyUrl: `${instance.url}/readyz`,
    niceness,
  };
}
