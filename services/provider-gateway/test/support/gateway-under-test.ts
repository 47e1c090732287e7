import {
  type AdvanceClock,
  decodeOpsEvent,
  decodeSlipEvent,
  decodeTick,
  encodeInbound,
  encodeSlipEvent,
  encodeTick,
  type RecordedOpsEvent,
  type ReportResult,
  type Source,
  sources,
  stampEnvelope,
  type Tick,
  tickKey,
  topics,
} from '@slipstream/contracts';
import {
  copyDatabase,
  createDatabase,
  type Environment,
  environmentWithOwnKafka,
  freePorts,
} from '@slipstream/environment';
import { createKafka, ensureTopics, partitionOf, readLogBounds, SerialProducer } from '@slipstream/kafka';
import { type Instant, instantFromMs } from '@slipstream/kernel';
import { parseRules } from '@slipstream/rules';
import { createService, type Service } from '@slipstream/service-host';
import type { RecordedEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import pg from 'pg';
import { v7 } from 'uuid';
import { assemble } from '../../src/app.module.ts';
import { certificateKeys, secret } from './harness.ts';

const partitions = topics.events.partitions;
const results = topics.results.name;

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

/** The whole service on Kafka and PostgreSQL of its own, with the other services played by the test. */
export class GatewayUnderTest {
  readonly environment: Environment;
  readonly database: pg.Pool;
  /** Every event of `slips.events.v1`, each once (rule 5), in order of arrival. */
  readonly events: RecordedEvent[] = [];
  readonly #seen = new Set<string>();
  readonly ticks: Tick[] = [];
  /** Every record of `ops.events.v1`. */
  readonly told: RecordedOpsEvent[] = [];
  readonly databaseUrl: string;
  readonly #kafka: ReturnType<typeof createKafka>;
  readonly #producer: SerialProducer;
  readonly #consumer: ReturnType<ReturnType<typeof createKafka>['consumer']>;
  readonly #keys: Keys;
  readonly #services: Service[] = [];
  readonly #sequences = new Map<string, number>();

  private constructor(environment: Environment, databaseUrl: string, keys: Keys) {
    this.environment = environment;
    this.databaseUrl = databaseUrl;
    this.#keys = keys;
    this.database = new pg.Pool({ connectionString: databaseUrl, max: 2 });
    // Putting a copy back ends its idle connections.
    this.database.on('error', () => {});
    this.#kafka = createKafka({ brokers: environment.kafkaBrokers, clientId: 'gateway-test' });
    this.#producer = new SerialProducer(this.#kafka);
    this.#consumer = this.#kafka.consumer({
      groupId: `gateway-test-${v7()}`,
      maxWaitTimeInMs: 50,
      // A fresh broker on a busy machine takes a while until it can coordinate groups.
      retry: { retries: 60, initialRetryTime: 500, maxRetryTime: 1_000 },
    });
  }

  static async open(): Promise<GatewayUnderTest> {
    const environment = await environmentWithOwnKafka();
    const databaseUrl = await createDatabase(environment.databaseUrl, 'gateway');
    const keys = await generateKeyPair('EdDSA', { extractable: true });
    const opened = new GatewayUnderTest(environment, databaseUrl, keys);
    await opened.#listen();
    return opened;
  }

  /** Starts an instance on this port (0: any); all share the database (unless told so) and the consumer groups. */
  async start(
    providers: Readonly<Record<string, string>>,
    port = 0,
    { kafkaBrokers, databaseUrl }: { kafkaBrokers?: readonly string[]; databaseUrl?: string } = {},
  ): Promise<Service> {
    const jwk = { ...(await exportJWK(this.#keys.publicKey)), kid: 'k1', alg: 'EdDSA' };
    const settings = {
      port,
      host: '127.0.0.1',
      kafkaBrokers: kafkaBrokers ?? this.environment.kafkaBrokers,
      databaseUrl: databaseUrl ?? this.databaseUrl,
      configFile: 'rules.yaml',
      jwks: { keys: [jwk] },
      jwtIssuer: 'https://issuer.test',
      jwtAudience: 'slipstream',
      logLevel: 'error' as const,
      drainTimeoutMs: 10_000,
      instanceId: `gateway-${this.#services.length}`,
    };
    const rules = parseRules(rulesText(providers), { file: 'rules.yaml', environment: {} });
    const service = await createService(await assemble({ settings, rules, certificateKeys }));
    this.#services.push(service);
    return service;
  }

  /** The copy that {@link copyAside} took. */
  get copyUrl(): string {
    return `${this.databaseUrl}_copy`;
  }

  /** Takes a copy of the service's database aside; every session of it ends. */
  async copyAside(): Promise<void> {
    await copyDatabase(this.environment.databaseUrl, this.#databaseName, `${this.#databaseName}_copy`);
  }

  /** Puts the copy in the database's place, as a restored backup would be. */
  async putBack(): Promise<void> {
    await copyDatabase(this.environment.databaseUrl, `${this.#databaseName}_copy`, this.#databaseName);
  }

  get #databaseName(): string {
    return new URL(this.databaseUrl).pathname.slice(1);
  }

  async stop(): Promise<void> {
    const steps = [
      () => this.#consumer.disconnect(),
      () => this.#producer.stop(),
      ...this.#services.toReversed().map((service) => () => service.stop()),
      () => this.database.end(),
      () => this.environment.stop(),
    ];
    // Whatever fails on the way, nothing stays behind that was started.
    const failures: unknown[] = [];
    for (const step of steps) await step().catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  async #listen(): Promise<void> {
    await ensureTopics(this.#kafka);
    await this.#coordinator();
    await this.#consumer.connect();
    await this.#consumer.subscribe({
      topics: [topics.events.name, topics.watermarks.name, topics.ops.name],
      fromBeginning: true,
    });
    await this.#consumer.run({
      eachMessage: async ({ topic, message }) => {
        if (message.value === null) return;
        if (topic === topics.ops.name) {
          const told = decodeOpsEvent(message.value);
          if (told && !this.told.some(({ id }) => id === told.id)) this.told.push(told);
        } else if (topic === topics.watermarks.name) this.ticks.push(decodeTick(message.value));
        else this.#keep(decodeSlipEvent(message.value));
      },
    });
  }

  /** A relay that is slow or loses its lease sends again, byte for byte: no consumer counts that twice. */
  #keep(event: RecordedEvent): void {
    const once = `${event.source} ${event.id}`;
    if (this.#seen.has(once)) return;
    this.#seen.add(once);
    this.events.push(event);
  }

  /** kafkajs ends a consumer for good when a fresh broker cannot coordinate groups yet. */
  async #coordinator(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      await waitFor(async () => (await admin.describeGroups(['gateway-test'])).groups.length > 0, {
        timeoutMs: 120_000,
        what: 'a coordinator of groups',
      });
    } finally {
      await admin.disconnect();
    }
  }

  /** Publishes events of other services, each numbered by its source. */
  async publish(...events: readonly RecordedEvent[]): Promise<void> {
    const records = events.map(({ id, slipId, source, clock, time, receivedTime, event }) => {
      const partition = partitionOf(slipId, partitions);
      const place = `${source}:${partition}`;
      const sequence = (this.#sequences.get(place) ?? 0) + 1;
      this.#sequences.set(place, sequence);
      const body = encodeSlipEvent({ id, source, subject: slipId, clock }, event);
      const value = stampEnvelope(body, { sequence: String(sequence), time, receivedTime });
      return { topic: topics.events.name, partition, key: slipId, value };
    });
    await this.#producer.sendBatch(records);
  }

  /** Publishes intake's watermark: whatever it says about input up to `time` is on the topic by now. */
  async intakeTick(clock: string, time: Instant, closed = false): Promise<void> {
    await this.tickOf(sources.intake, clock, time, closed);
  }

  async tickOf(source: Source, clock: string, time: Instant, closed = false): Promise<void> {
    const marks = (await this.#logEnds()).map(([partition, offset]) => ({ partition, time, offset }));
    const value = Buffer.from(encodeTick({ source, clock, marks, closed }));
    await this.#producer.sendBatch([
      { topic: topics.watermarks.name, partition: 0, key: tickKey(source, clock), value },
    ]);
  }

  async #logEnds(): Promise<[partition: number, end: bigint][]> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      const bounds = await readLogBounds(admin, topics.events.name);
      return [...bounds].map(([partition, { end }]) => [partition, BigInt(end)]);
    } finally {
      await admin.disconnect();
    }
  }

  async report(
    reference: string,
    data: Partial<ReportResult> & Pick<ReportResult, 'step'>,
    more: { id?: string; clock?: string; time?: Instant; caller?: string } = {},
  ): Promise<void> {
    const value = encodeInbound({
      id: more.id ?? v7(),
      caller: more.caller ?? 'importer',
      clock: more.clock ?? 'wall',
      time: more.time ?? null,
      traceparent: '',
      subject: reference,
      command: {
        type: 'ReportResult',
        data: {
          reference,
          outcome: null,
          progress: '',
          reason: null,
          amount: null,
          providerReference: null,
          providerTime: null,
          ...data,
        },
      },
    });
    await this.sendResult(reference, Buffer.from(value));
  }

  /** Any bytes on the results topic. */
  async sendResult(reference: string, value: Buffer): Promise<void> {
    const partition = partitionOf(reference, partitions);
    await this.#producer.sendBatch([{ topic: results, partition, key: reference, value }]);
  }

  async advanceClock(data: AdvanceClock): Promise<void> {
    const value = Buffer.from(
      encodeInbound({
        id: v7(),
        caller: 'importer',
        clock: data.clock,
        time: data.time,
        traceparent: '',
        subject: data.clock,
        command: { type: 'AdvanceClock', data },
      }),
    );
    await this.#producer.sendBatch(
      Array.from({ length: partitions }, (_, partition) => ({
        topic: results,
        partition,
        key: data.clock,
        value,
      })),
    );
  }

  partitionOf(slipId: string): number {
    return partitionOf(slipId, partitions);
  }

  /** The log of one slip, as it stands on the topic. */
  of(slipId: string): RecordedEvent[] {
    return this.events.filter((event) => event.slipId === slipId);
  }

  async has(slipId: string, type: RecordedEvent['event']['type']): Promise<RecordedEvent> {
    return waitFor(() => this.of(slipId).find((one) => one.event.type === type), {
      what: `${type} of ${slipId} on the topic`,
    });
  }

  /** The gateway's latest watermark of a clock. */
  tick(clock: string): Tick | undefined {
    return this.ticks.findLast((tick) => tick.source === sources.gateway && tick.clock === clock);
  }

  async token(scope: string): Promise<string> {
    return new SignJWT({ scope, iss: 'https://issuer.test', aud: 'slipstream', sub: 'reader' })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
      .setExpirationTime('10m')
      .sign(this.#keys.privateKey);
  }
}

export const now = (): Instant => instantFromMs(Date.now());
export { freePorts };

function rulesText(providers: Readonly<Record<string, string>>): string {
  const entries = Object.entries(providers).map(
    ([id, url]) => `
  ${id}:
    base_url: ${url}
    secret: ${secret}
    connect_timeout_ms: 500
    answer_timeout_ms: 2000
    acceptance_delay_max_ms: 200
    circuit_open_ms: 200
    poll_ladder_ms: []
    recheck_ladder_ms: []`,
  );
  const routes = Object.keys(providers).map(
    (id) => `
  ${id}: { mode: dispatched, provider: ${id}, outcome_deadline_ms: 20000, retry_initial_ms: 20, retry_max_ms: 200 }`,
  );
  return `
version: 1
providers:${entries.join('')}
routes:${routes.join('')}
  import: { mode: reported, outcome_deadline_ms: 86400000 }
`;
}
