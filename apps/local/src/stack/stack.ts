import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type Environment,
  type OwnedDatabase,
  ownedDatabase,
  startEnvironment,
} from '@slipstream/environment';
import { createSupervisor, type Supervisor } from '../supervisor/supervisor.ts';
import { type Profile, type RoutePolicies, type RuleChange, rulesFile } from './policies.ts';
import { planSimulation, type SimulatedBehaviour } from './providers.ts';
import {
  type InstanceCounts,
  planInstances,
  SERVICES,
  type ServiceName,
  serviceSpec,
  urlVariables,
} from './services.ts';
import { AUDIENCE, ISSUER, openIdentity, openKey, openSigningKeys, tokenVariables } from './tokens.ts';

export interface StackOptions {
  /** Data, keys and logs. One running stack per folder. */
  dataDir: string;
  /** Reuse the data on the next start; default: remove Kafka's and PostgreSQL's data on stop. */
  keepData?: boolean;
  profile: Profile;
  instances?: InstanceCounts;
  /** Changes the profile's dispatched routes. */
  policies?: RoutePolicies;
  /** Further changes to the profile's rules. */
  rules?: readonly RuleChange[];
  /** How all simulated providers answer, instead of each in its own way. */
  behaviour?: Partial<SimulatedBehaviour>;
  /** Gives the brokers that a service is told instead of the real ones: a way that a drill can make slow. Asked once a service. */
  wayToKafka?: (brokers: readonly string[], service: ServiceName) => Promise<readonly string[]>;
  /** Modules that Node loads before a service, as a drill that sets its clock wrong does. */
  preloads?: Partial<Record<ServiceName, string>>;
  /** Gets progress and one line for each restart. */
  log?: (line: string) => void;
  /** Folders and files to delete if this process is killed. */
  removeOnCrash?: string[];
}

/** Everything that runs: servers, simulated providers, services. */
export interface Stack {
  /** What `npm run stack -- CMD` gives CMD: addresses and bearer tokens. */
  readonly env: Record<string, string>;
  readonly services: Supervisor;
  readonly simulatorUrl: string;
  readonly environment: Environment;
  /** Where the logs are. */
  readonly logsDir: string;
  /** Stops all of it, in order. Safe to call twice. */
  stop(): Promise<void>;
}

/** @throws Error that says which part did not start and why; what was started is stopped again */
export async function startStack(options: StackOptions): Promise<Stack> {
  const log = options.log ?? (() => {});
  warnOfOneGiven(process.env, log);
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const environment = await startEnvironment({ dataDir, keepData: options.keepData, log });
  const services = createSupervisor({ dataDir, warn: log, removeOnCrash: options.removeOnCrash });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= services.stopAll().finally(() => environment.stop());
    return stopped;
  };
  try {
    const { env, simulatorUrl } = await startServices({ ...options, dataDir, log }, environment, services);
    return { env, services, simulatorUrl, environment, logsDir: join(dataDir, 'logs'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The events on the topics carry numbers that the databases give and remember: both must be of the same age. */
function warnOfOneGiven(
  { KAFKA_BROKERS, DATABASE_URL }: NodeJS.ProcessEnv,
  log: (line: string) => void,
): void {
  if (!KAFKA_BROKERS === !DATABASE_URL) return;
  const [given, missing] = KAFKA_BROKERS
    ? ['KAFKA_BROKERS', 'DATABASE_URL']
    : ['DATABASE_URL', 'KAFKA_BROKERS'];
  log(
    `${given} is set and ${missing} is not: this works with what ${given} names once, while it is empty; after that ` +
      'its numbers do not fit the other server, which starts anew. Set both to keep both.',
  );
}

async function startServices(
  options: StackOptions & { log: (line: string) => void },
  environment: Environment,
  supervisor: Supervisor,
): Promise<{ env: Record<string, string>; simulatorUrl: string }> {
  const instances = await planInstances(options.instances);
  const first = (service: ServiceName) => instances.find((instance) => instance.service === service)?.url;
  const stateFile = options.keepData ? join(options.dataDir, 'providers.jsonl') : null;
  // Port 9: nobody takes callbacks.
  const simulator = await planSimulation(
    first('provider-gateway') ?? 'http://127.0.0.1:9',
    stateFile,
    options.behaviour,
  );
  const identity = await openIdentity(join(options.dataDir, 'keys/signing-key.json'));
  const shared = {
    ...simulator.env,
    SLIPSTREAM_CONFIG: rulesFile(options.profile, options.policies, options.dataDir, options.rules),
    SLIPSTREAM_JWKS: identity.jwks,
    SLIPSTREAM_JWT_ISSUER: ISSUER,
    SLIPSTREAM_JWT_AUDIENCE: AUDIENCE,
  };
  const keyFile = (name: string) => join(options.dataDir, 'keys', name);
  const ledgerUrl = first('ledger');
  const own: Partial<Record<ServiceName, Record<string, string>>> = {
    ...(ledgerUrl && { intake: { LEDGER_URL: ledgerUrl } }),
    'provider-gateway': {
      SLIPSTREAM_CERTIFICATE_KEYS: await openSigningKeys(keyFile('certificate-key.json')),
    },
    ledger: { LEDGER_SIGNING_KEY: await openKey(keyFile('ledger-signing-key.json')) },
  };
  options.log('starting the providers and the services');
  await supervisor.start(simulator.spec);
  const databases = await ownDatabases(environment.databaseUrl);
  const brokers = await ownBrokers(environment.kafkaBrokers, options.wayToKafka);
  await allReady(
    instances.map((one) => {
      const { service } = one;
      return supervisor.start(
        serviceSpec(one, databases[service], shared, {
          own: { ...own[service], KAFKA_BROKERS: brokers[service].join(',') },
          preload: options.preloads?.[service],
        }),
      );
    }),
  );
  return {
    simulatorUrl: simulator.url,
    env: {
      KAFKA_BROKERS: environment.kafkaBrokers.join(','),
      DATABASE_URL: environment.databaseUrl,
      SIMULATOR_URL: simulator.url,
      // For `slipctl backtest` and `config`: the rules that the services run by.
      SLIPSTREAM_CONFIG: shared.SLIPSTREAM_CONFIG,
      ...urlVariables(instances),
      ...(await tokenVariables(identity)),
    },
  };
}

async function ownDatabases(superuserUrl: string): Promise<Record<ServiceName, OwnedDatabase>> {
  const made: Partial<Record<ServiceName, OwnedDatabase>> = {};
  for (const [service, { database }] of Object.entries(SERVICES)) {
    made[service as ServiceName] = await ownedDatabase(superuserUrl, database);
  }
  return made as Record<ServiceName, OwnedDatabase>;
}

/** One after the other: a way that all take is made once. */
async function ownBrokers(
  real: readonly string[],
  way: StackOptions['wayToKafka'],
): Promise<Record<ServiceName, readonly string[]>> {
  const told: Partial<Record<ServiceName, readonly string[]>> = {};
  for (const service of Object.keys(SERVICES) as ServiceName[]) {
    told[service] = way ? await way(real, service) : real;
  }
  return told as Record<ServiceName, readonly string[]>;
}

/** Waits for all even when one fails, so that no start is under way when everything is stopped. */
async function allReady(starts: Promise<void>[]): Promise<void> {
  const failures = (await Promise.allSettled(starts)).flatMap((one) =>
    one.status === 'rejected' ? [one.reason] : [],
  );
  if (failures.length > 0)
    throw failures.length === 1 ? failures[0] : new Error(failures.map(message).join('\n\n'));
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));
