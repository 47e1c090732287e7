import { decodeOpsEvent, decodeSlipEvent, type RecordedOpsEvent, topics } from '@slipstream/contracts';
import {
  copyDatabase,
  createDatabase,
  type Environment,
  type EnvironmentOptions,
  environmentWithOwnKafka,
} from '@slipstream/environment';
import { createKafka, type KafkaClient, SerialProducer } from '@slipstream/kafka';
import { parseRules } from '@slipstream/rules';
import {
  type CommonSettings,
  createService,
  type Service,
  type ServiceOptions,
} from '@slipstream/service-host';
import type { RecordedEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import pg from 'pg';
import { assemble } from '../src/app.module.ts';

/** Servers that ask for TLS and a login, and what tells a service so. */
export interface SecureServers {
  readonly options: Pick<EnvironmentOptions, 'kafkaLogin'>;
  settings(environment: Environment, databaseUrl: string): Promise<Partial<CommonSettings>>;
}

export type SlipRecord = RecordedEvent & { readonly partition: number };

/** A real intake on Kafka of its own: other tests publish under the same source with numbers of their own. */
export interface IntakeUnderTest {
  readonly kafka: KafkaClient;
  readonly producer: SerialProducer;
  readonly database: pg.Pool;
  /** Everything on `slips.events.v1` so far, each once (rule 5). */
  readonly events: readonly SlipRecord[];
  /** Offsets behind what was read of `slips.events.v1`, by partition. */
  readonly readTo: ReadonlyMap<number, number>;
  /** Everything on `ops.events.v1` so far. */
  readonly ops: readonly RecordedOpsEvent[];
  /** Dead letters of the inbound topic so far: key and reason headers. */
  readonly deadLetters: readonly { key: string; headers: Record<string, string> }[];
  /** Starts an instance; all share the database. */
  start(limits?: ServiceOptions['limits']): Promise<Service>;
  token(subject: string, scope?: string): Promise<string>;
  /** The events of a reference, once there are `count`. */
  eventsOf(reference: string, count?: number): Promise<SlipRecord[]>;
  /** Takes a copy of the service's database aside; every session of it ends. */
  copyAside(): Promise<void>;
  /** Puts the copy in the database's place, as a restored backup would be. */
  putBack(): Promise<void>;
  stop(): Promise<void>;
}

const rulesText = `
version: 1
providers:
  acme: { base_url: "http://127.0.0.1:1", secret: "0123456789abcdef0123456789abcdef", answer_timeout_ms: 2000 }
routes:
  default: { mode: dispatched, provider: acme, outcome_deadline_ms: 5000, overdraft: true, quiet_period_ms: 2000, inquiry_ladder_ms: [0, 2000] }
  payouts: { mode: dispatched, provider: acme, outcome_deadline_ms: 5000, overdraft: true, review: { kinds: [payout], from_amount: { EUR: "1000" }, second_person_from: { EUR: "5000" } } }
  orders: { mode: dispatched, provider: acme, outcome_deadline_ms: 5000, kinds: [order] }
  import: { mode: reported, outcome_deadline_ms: 86400000, overdraft: true }
detection: { grace_ms: 7 }
`;
const issuer = 'https://issuer.test';
const audience = 'slipstream';
/** Nobody answers there: intake only tells it. */
export const ledgerUrl = 'https://ledger.test/read';

/**
 * @param more sections of the rules file beside those that every spec has
 * @param collector of spans; absent: nobody is told of them
 */
export async function intakeUnderTest(
  more = '',
  collector?: string,
  secure?: SecureServers,
): Promise<IntakeUnderTest> {
  const environment = await environmentWithOwnKafka(secure?.options);
  const databaseUrl = await createDatabase(environment.databaseUrl, 'intake');
  const databaseName = new URL(databaseUrl).pathname.slice(1);
  const rules = parseRules(`${rulesText}${more}`, { file: 'rules.yaml', environment: {} });
  const keys = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' };
  const kafka = createKafka({ brokers: environment.kafkaBrokers, clientId: 'intake-test' });
  const producer = new SerialProducer(kafka);
  const database = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  database.on('error', () => {}); // an idle connection that ends is replaced
  const services: Service[] = [];
  const events: SlipRecord[] = [];
  const readTo = new Map<number, number>();
  const seen = new Set<string>();
  const ops: RecordedOpsEvent[] = [];
  const deadLetters: { key: string; headers: Record<string, string> }[] = [];
  const consumer = kafka.consumer({ groupId: `intake-test-${process.pid}`, maxWaitTimeInMs: 50 });

  const start = async (limits: ServiceOptions['limits']): Promise<Service> => {
    const settings = {
      port: 0,
      host: '127.0.0.1',
      kafkaBrokers: environment.kafkaBrokers,
      databaseUrl,
      configFile: 'rules.yaml',
      jwks: { keys: [jwk] },
      jwtIssuer: issuer,
      jwtAudience: audience,
      logLevel: 'error' as const,
      drainTimeoutMs: 10_000,
      instanceId: `intake-${services.length}`,
      otlpEndpoint: collector ?? null,
      ...(secure && (await secure.settings(environment, databaseUrl))),
    };
    const options = await assemble({ settings, rules, ledgerUrl });
    const service = await createService({ ...options, limits: { ...options.limits, ...limits } });
    services.push(service);
    return service;
  };

  const read = async (): Promise<void> => {
    await consumer.connect();
    const wanted = [topics.events.name, topics.ops.name, `${topics.commands.name}.dlq`];
    await consumer.subscribe({ topics: wanted, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        if (topic === topics.events.name) {
          readTo.set(partition, Number(message.offset) + 1);
          const event = decodeSlipEvent(message.value!);
          // A relay that is slow or loses its lease sends again, byte for byte: no consumer counts that twice.
          if (seen.has(event.id)) return;
          seen.add(event.id);
          events.push({ ...event, partition });
        } else if (topic === topics.ops.name) ops.push(decodeOpsEvent(message.value!)!);
        else deadLetters.push({ key: String(message.key), headers: texts(message.headers ?? {}) });
      },
    });
  };

  return {
    kafka,
    producer,
    database,
    events,
    readTo,
    ops,
    deadLetters,
    async start(limits) {
      const service = await start(limits);
      if (services.length === 1) await Promise.all([read(), producer.start()]);
      // HTTP answers before the consumer has joined its group.
      await waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, {
        what: 'intake to be ready',
      });
      return service;
    },
    token: (subject, scope = 'slips:write') =>
      new SignJWT({ scope, iss: issuer, aud: audience, sub: subject })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
        .setExpirationTime('10m')
        .sign(keys.privateKey),
    eventsOf: (reference, count = 1) =>
      waitFor(
        () => {
          const found = events.filter(
            ({ event }) => 'reference' in event.data && event.data.reference === reference,
          );
          return found.length >= count ? found : null;
        },
        { what: `${count} event(s) of ${reference}` },
      ),
    copyAside: () => copyDatabase(environment.databaseUrl, databaseName, `${databaseName}_copy`),
    putBack: () => copyDatabase(environment.databaseUrl, `${databaseName}_copy`, databaseName),
    async stop() {
      await consumer.disconnect();
      await producer.stop();
      for (const service of services) await service.stop();
      await database.end();
      await environment.stop();
    },
  };
}

function texts(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
