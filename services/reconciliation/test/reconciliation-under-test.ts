import {
  decodeOpsEvent,
  decodeSlipEvent,
  encodeCloudEvent,
  encodeSlipEvent,
  encodeTick,
  partitionsDefault,
  peekEnvelope,
  type RecordedOpsEvent,
  type Source,
  sources,
  stampEnvelope,
  tickKey,
  topics,
} from '@slipstream/contracts';
import { copyDatabase, createDatabase, environmentWithOwnKafka } from '@slipstream/environment';
import { createKafka, ensureTopics, type OutRecord, partitionOf, SerialProducer } from '@slipstream/kafka';
import { addMicros, type Instant, instantFromMs } from '@slipstream/kernel';
import { parseRules, type Rules } from '@slipstream/rules';
import { createService, type Service } from '@slipstream/service-host';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import pg from 'pg';
import { v7 } from 'uuid';
import { assemble } from '../src/app.module.ts';

const rulesWith = (statements: string) =>
  parseRules(
    `
version: 1
providers:
  acme: { base_url: "http://127.0.0.1:1", secret: "0123456789abcdef0123456789abcdef", answer_timeout_ms: 2000 }
routes:
  default: { mode: dispatched, provider: acme, outcome_deadline_ms: 5000 }
${statements}
`,
    { file: 'rules.yaml', environment: {} },
  );
const issuer = 'https://issuer.test';
const audience = 'slipstream';

export interface Said {
  readonly slipId: string;
  readonly event: SlipEvent;
  readonly clock?: string;
  /** Default: now. */
  readonly receivedTime?: Instant;
  /** Default: now. */
  readonly time?: Instant;
}

/** The other services: what they publish and vouch for, on a real topic, with numbers as rule 4 gives them. */
export class Others {
  readonly #producer: SerialProducer;
  readonly #seqs = new Map<string, number>();
  /** Offsets after the last record, by partition. */
  readonly ends = new Map<number, number>();

  constructor(producer: SerialProducer) {
    this.#producer = producer;
  }

  async say(source: Source, said: readonly Said[]): Promise<void> {
    await this.sayAll(said.map((one) => ({ source, ...one })));
  }

  /** Publishes in the order given, from several sources. */
  async sayAll(said: readonly (Said & { readonly source: Source })[]): Promise<void> {
    await this.send(said.map((one) => this.#toRecord(one)));
  }

  async send(records: readonly OutRecord[]): Promise<void> {
    const offsets = await this.#producer.sendBatch(records);
    for (const { partition } of records) {
      const first = Number(offsets.get(`${topics.events.name}:${partition}`));
      const count = records.filter((record) => record.partition === partition).length;
      this.ends.set(partition, first + count);
    }
  }

  /** Vouches for everything up to `time` that was said so far. */
  async vouch(
    source: Source,
    time: Instant,
    { clock = 'wall', closed = false, reading = null as Instant | null, silentMs = 0 } = {},
  ): Promise<void> {
    const marks = Array.from({ length: partitionsDefault }, (_, partition) => ({
      ...{ partition, time },
      offset: BigInt(this.ends.get(partition) ?? 0),
    }));
    const value = Buffer.from(encodeTick({ source, clock, closed, marks, reading, silentMs }));
    await this.#producer.sendBatch([
      { topic: topics.watermarks.name, partition: 0, key: tickKey(source, clock), value },
    ]);
  }

  /** Publishes an event whose data nobody can read. */
  async sayNonsense(source: Source, slipId: string): Promise<void> {
    const head = { id: v7(), source, type: 'slipstream.slip.returned.v1', subject: slipId, clock: 'wall' };
    await this.send([this.#stamped(source, slipId, encodeCloudEvent(head, Buffer.from([0xff, 0xff])))]);
  }

  #toRecord({
    source,
    slipId,
    event,
    clock = 'wall',
    receivedTime,
    time,
  }: Said & { source: Source }): OutRecord {
    const head = { id: v7(), source, subject: slipId, clock };
    return this.#stamped(source, slipId, encodeSlipEvent(head, event), receivedTime, time);
  }

  #stamped(
    source: Source,
    slipId: string,
    body: Uint8Array,
    receivedTime?: Instant,
    time = now(),
  ): OutRecord {
    const partition = partitionOf(slipId, partitionsDefault);
    const key = `${source} ${partition}`;
    const seq = (this.#seqs.get(key) ?? 0) + 1;
    this.#seqs.set(key, seq);
    const stamp = { sequence: String(seq), time, receivedTime: receivedTime ?? time };
    return { topic: topics.events.name, partition, key: slipId, value: stampEnvelope(body, stamp) };
  }
}

export const now = (): Instant => instantFromMs(Date.now());
export const inMs = (ms: number): Instant => addMicros(now(), BigInt(ms) * 1000n);

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** JSON whose shape the test knows. */
  // biome-ignore lint/suspicious/noExplicitAny: what is asserted about it is the test
  readonly body: any;
}

export interface ReconciliationUnderTest {
  readonly others: Others;
  readonly producer: SerialProducer;
  readonly database: pg.Pool;
  /** What reconciliation published so far, each number once (rule 5). */
  readonly published: readonly RecordedEvent[];
  /** What it published on the log of operations. */
  readonly told: readonly RecordedOpsEvent[];
  of(slipId: string, type?: SlipEvent['type']): RecordedEvent[];
  /** Waits until it has published this type about the slip. */
  untilPublished(slipId: string, type: SlipEvent['type']): Promise<RecordedEvent>;
  start(): Promise<Service>;
  /** By somebody who may act on cases and approve refunds. */
  post(
    service: Service,
    path: string,
    body: object,
    as?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  get(service: Service, path: string, scope?: string, init?: RequestInit): Promise<Answer>;
  /** Takes a copy of the service's database aside; every session of it ends. */
  copyAside(name: string): Promise<void>;
  /** Puts a copy in the database's place, as a restored backup would be. */
  putBack(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** A real reconciliation on Kafka of its own: other tests publish under the same sources with numbers of their own. */
export async function reconciliationUnderTest(
  policy: Partial<Pick<Rules, 'repair' | 'cases'>> = {},
  statements = '',
): Promise<ReconciliationUnderTest> {
  const rules = rulesWith(statements);
  const environment = await environmentWithOwnKafka();
  const databaseUrl = await createDatabase(environment.databaseUrl, 'reconciliation');
  const databaseName = new URL(databaseUrl).pathname.slice(1);
  const keys = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' };
  const kafka = createKafka({ brokers: environment.kafkaBrokers, clientId: 'reconciliation-test' });
  await ensureTopics(kafka);
  const producer = new SerialProducer(kafka);
  await producer.start();
  const database = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  database.on('error', () => {}); // an idle connection that ends is replaced
  const services: Service[] = [];
  const published: RecordedEvent[] = [];
  const told: RecordedOpsEvent[] = [];
  const read = new Map<number, bigint>();
  const consumer = kafka.consumer({ groupId: 'reconciliation-test', maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topics.events.name, topics.ops.name], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, message, partition }) => {
      if (topic === topics.ops.name) {
        const recorded = decodeOpsEvent(message.value!);
        if (recorded && !told.some(({ id }) => id === recorded.id)) told.push(recorded);
        return;
      }
      const { source } = peekEnvelope(message.value!);
      if (source !== sources.reconciliation) return;
      const recorded = decodeSlipEvent(message.value!);
      // A relay that is slow or loses its lease sends again, with the same numbers: no consumer counts that twice.
      if (recorded.sequence <= (read.get(partition) ?? 0n)) return;
      read.set(partition, recorded.sequence);
      published.push(recorded);
    },
  });
  const of = (slipId: string, type?: SlipEvent['type']) =>
    published.filter((one) => one.slipId === slipId && (type === undefined || one.event.type === type));

  const bearer = async (scope: string, subject: string) => {
    const token = await new SignJWT({ scope, iss: issuer, aud: audience, sub: subject })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
      .setExpirationTime('10m')
      .sign(keys.privateKey);
    return `Bearer ${token}`;
  };
  const ask = async (url: string, init: RequestInit): Promise<Answer> => {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(90_000) });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };

  return {
    ...{ others: new Others(producer), producer, database, published, told, of },
    untilPublished: (slipId, type) => waitFor(() => of(slipId, type)[0], { what: `${type} of ${slipId}` }),
    async start() {
      const settings = {
        ...{ port: 0, host: '127.0.0.1', kafkaBrokers: environment.kafkaBrokers, databaseUrl },
        ...{ configFile: 'rules.yaml', jwks: { keys: [jwk] }, jwtIssuer: issuer, jwtAudience: audience },
        ...{ logLevel: 'error' as const, drainTimeoutMs: 10_000, instanceId: `test-${services.length}` },
      };
      const service = await createService(await assemble({ settings, rules: { ...rules, ...policy } }));
      services.push(service);
      return service;
    },
    async get(service, path, scope = 'cases:read watermarks:read', init = {}) {
      const headers = { ...init.headers, authorization: await bearer(scope, 'ops') };
      return ask(`${service.url}${path}`, { ...init, headers });
    },
    async post(service, path, body, as = 'ann', headers = {}) {
      return ask(`${service.url}${path}`, {
        method: 'POST',
        headers: {
          ...{ authorization: await bearer('cases:read cases:write refunds:approve', as) },
          ...{ 'content-type': 'application/json', 'idempotency-key': `"${v7()}"`, ...headers },
        },
        body: JSON.stringify(body),
      });
    },
    copyAside: (name) => copyDatabase(environment.databaseUrl, databaseName, `${databaseName}_${name}`),
    putBack: (name) => copyDatabase(environment.databaseUrl, `${databaseName}_${name}`, databaseName),
    async stop() {
      await Promise.all(services.map((service) => service.stop()));
      await Promise.all([consumer.disconnect(), producer.stop(), database.end()]);
      await environment.stop();
    },
  };
}
