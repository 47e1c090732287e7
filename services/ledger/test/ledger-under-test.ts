import { generateKeyPairSync, randomUUID } from 'node:crypto';
import {
  type Envelope,
  encodeSlipEvent,
  readEnvelope,
  sources,
  stampEnvelope,
  topics,
} from '@slipstream/contracts';
import { copyDatabase, createDatabase, environmentWithOwnKafka } from '@slipstream/environment';
import { createKafka, partitionOf, readLogBounds, readTail, SerialProducer } from '@slipstream/kafka';
import { createService, type Service } from '@slipstream/service-host';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import pg from 'pg';
import { assemble } from '../src/app.module.ts';
import { type SigningKey, signingKey } from '../src/signing-key.ts';
import { recordedAs } from './builders.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it
  readonly body: any;
}

export type OwnEvent = Envelope & { readonly partition: number };

/** A real ledger on Kafka of its own: other tests publish under the same sources with numbers of their own. */
export interface LedgerUnderTest {
  readonly database: pg.Pool;
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly signingKey: SigningKey;
  /** Starts an instance; all share the database and the consumer group. */
  start(): Promise<Service>;
  /** Sends a record as it is. */
  send(record: { partition: number; key: string | null; value: Buffer }): Promise<void>;
  /** Publishes events as their services would; gives the position of the last one, as a `Slip-Position`. */
  publish(events: readonly (readonly [slipId: string, SlipEvent])[], clock?: string): Promise<string>;
  /** Sends records again, byte for byte. */
  resend(): Promise<void>;
  /** Removes the records below an offset, as retention would. */
  deleteRecords(partition: number, before: number): Promise<void>;
  /** Resolves when the ledger has handled everything that is in the topic now. */
  caughtUp(): Promise<void>;
  get(
    path: string,
    options?: {
      scope?: string | null;
      subject?: string;
      headers?: Record<string, string>;
      instance?: Service;
    },
  ): Promise<Answer>;
  post(
    path: string,
    body: unknown,
    options: { scope: string; subject: string; headers?: Record<string, string> },
  ): Promise<Answer>;
  /** Copies its database aside, as a backup does; instances may run meanwhile. */
  copyAside(): Promise<void>;
  /** Puts the copy in the database's place, as a restored backup is. */
  putBack(): Promise<void>;
  /** The ledger's own events on the topic so far, in the order of each partition. */
  own(): Promise<readonly OwnEvent[]>;
  /** A request whose answer has no end. */
  open(path: string, headers: Record<string, string>, instance: Service): Promise<Response>;
  stop(): Promise<void>;
}

const issuer = 'https://issuer.test';
const audience = 'slipstream';
const readsAll = 'slips:read slips:read:all metadata:read';

export async function ledgerUnderTest(): Promise<LedgerUnderTest> {
  const environment = await environmentWithOwnKafka();
  const databaseUrl = await createDatabase(environment.databaseUrl, 'ledger');
  const databaseName = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
  const keys = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' };
  const kafka = createKafka({ brokers: environment.kafkaBrokers, clientId: 'ledger-test' });
  const producer = new SerialProducer(kafka);
  const signer = signingKey(generateKeyPairSync('ed25519').privateKey);
  const database = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  // At the end the server may be gone before an idle connection has closed.
  database.on('error', () => {});
  const services: Service[] = [];
  const sequences = new Map<string, number>();
  const sent: { topic: string; partition: number; key: string; value: Buffer }[] = [];

  const token = (scope: string, subject: string) =>
    new SignJWT({ scope, iss: issuer, aud: audience, sub: subject })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
      .setExpirationTime('10m')
      .sign(keys.privateKey);

  const toRecord = (slipId: string, event: SlipEvent, clock: string) => {
    const partition = partitionOf(slipId, topics.events.partitions);
    const recorded = recordedAs(event, sent.length + 1, slipId, clock);
    const place = `${recorded.source}:${partition}`;
    const sequence = (sequences.get(place) ?? 0) + 1;
    sequences.set(place, sequence);
    const { id, source, time, receivedTime } = recorded;
    const body = encodeSlipEvent({ id: `${id}-${randomUUID()}`, source, subject: slipId, clock }, event);
    const value = stampEnvelope(body, { sequence: String(sequence), time, receivedTime });
    sent.push({ topic: topics.events.name, partition, key: slipId, value });
    return `${place}:${sequence}`;
  };

  return {
    ...{ database, databaseUrl, kafkaBrokers: environment.kafkaBrokers, signingKey: signer },
    async send(record) {
      await producer.sendBatch([{ topic: topics.events.name, ...record }]);
    },
    async start() {
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
        instanceId: `ledger-${services.length}`,
      };
      const service = await createService(
        await assemble({
          ...{
            settings,
            rules: { digest: 'spec', routes: new Map() },
            checkpoints: { key: signer, intervalMs: 500 },
          },
        }),
      );
      services.push(service);
      return service;
    },
    async publish(events, clock = 'wall') {
      const from = sent.length;
      const places = events.map(([slipId, event]) => toRecord(slipId, event, clock));
      await producer.sendBatch(sent.slice(from));
      return places.at(-1)!;
    },
    async resend() {
      await producer.sendBatch(sent);
    },
    async deleteRecords(partition, before) {
      const admin = kafka.admin();
      await admin.connect();
      const { name: topic } = topics.events;
      await admin.fetchTopicOffsets(topic); // deleteTopicRecords itself loads no metadata
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
      await admin.disconnect();
    },
    async caughtUp() {
      const admin = kafka.admin();
      await admin.connect();
      const bounds = await readLogBounds(admin, topics.events.name);
      await admin.disconnect();
      const behind = async () => {
        const { rows } = await database.query<{ partition: number; next_offset: string }>(
          "select partition, next_offset from consumer_position where consumer_group = 'ledger' and topic = $1",
          [topics.events.name],
        );
        const next = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
        return [...bounds].some(([partition, { end }]) => end > 0 && (next.get(partition) ?? -1) < end);
      };
      await waitFor(async () => ((await behind()) ? null : true), {
        what: 'the ledger to have handled the whole topic',
      });
    },
    async post(path, body, { scope, subject, headers }) {
      const response = await fetch(`${services[0]!.url}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await token(scope, subject)}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(90_000),
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    async get(path, { scope = readsAll, subject = 'reader', headers: more, instance = services[0]! } = {}) {
      const bearer = scope === null ? {} : { authorization: `Bearer ${await token(scope, subject)}` };
      const headers = { ...bearer, ...more };
      const response = await fetch(`${instance.url}${path}`, {
        headers,
        signal: AbortSignal.timeout(90_000),
      });
      const text = await response.text();
      const json = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
    },
    copyAside: () => copyDatabase(environment.databaseUrl, databaseName, `${databaseName}_copy`),
    putBack: () => copyDatabase(environment.databaseUrl, `${databaseName}_copy`, databaseName),
    async own() {
      const own: OwnEvent[] = [];
      const all = Array.from({ length: topics.events.partitions }, (_, partition) => [partition, 0] as const);
      await readTail(kafka, topics.events.name, new Map(all), (partition, record) => {
        const value = record.value();
        if (value && record.peekSource() && record.source === sources.ledger)
          own.push({ ...readEnvelope(Buffer.from(value)), partition });
      });
      return own;
    },
    async open(path, headers, instance) {
      const authorization = `Bearer ${await token(readsAll, 'reader')}`;
      return fetch(`${instance.url}${path}`, { headers: { authorization, ...headers } });
    },
    async stop() {
      await producer.stop();
      for (const service of services) await service.stop();
      await database.end();
      await environment.stop();
    },
  };
}
