import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  encodeOpsEvent,
  type RecordedOpsEvent,
  type Source,
  sources,
  stampEnvelope,
  topics,
} from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { createKafka, ensureTopics, type KafkaClient, partitionOf, SerialProducer } from '@slipstream/kafka';
import {
  coreMigrations,
  migrate,
  OwnLogStore,
  openDataSource,
  prepareTopics,
  UnitOfWork,
} from '@slipstream/postgres';
import type { OpsEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { newId } from './new-id.ts';
import { foldOwn, opsRecovery } from './ops-recovery.ts';
import { OwnLogGate } from './own-log-gate.ts';
import { OwnLogGuard } from './own-log-guard.ts';
import { readOwnTails } from './own-tails.ts';

const environment = sharedEnvironment();
/** Nobody else speaks for it on the brokers that specs share. */
const source = sources.notification;
const quiet = { info() {}, warn() {}, error() {} };
const { name: topic, partitions } = topics.ops;
let kafka: KafkaClient;
let dataSource: Awaited<ReturnType<typeof openDataSource>>;
let unitOfWork: UnitOfWork;

beforeEach(async () => {
  kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: newId(), log: quiet });
  await ensureTopics(kafka, [topics.ops]);
  const url = await createDatabase(environment().databaseUrl, 'ops_recovery');
  dataSource = await openDataSource({ url, applicationName: 'ops-recovery' });
  await migrate(dataSource, [coreMigrations]);
  unitOfWork = new UnitOfWork(dataSource);
  await prepareTopics(unitOfWork, [topics.ops]);
});
afterEach(() => dataSource.destroy());

function record(from: Source, sequence: number, subject: string, event: OpsEvent) {
  const time = '2026-11-22T10:39:00.123456Z';
  const body = encodeOpsEvent({ id: newId(), source: from, subject }, event);
  const value = stampEnvelope(body, {
    ...{ sequence: String(sequence), incarnation: '1', time, receivedTime: time },
  });
  return { topic, partition: partitionOf(subject, partitions), key: subject, value };
}

const status = (next: 'frozen' | 'active'): OpsEvent => ({
  type: 'AccountStatusChanged',
  data: { account: 'a', previous: null, status: next, reason: 'r', actor: 'o', requestId: 'q' },
});
const config = (digest: string): OpsEvent => ({
  type: 'ConfigApplied',
  data: { service: 'it', digest, previous: 'before' },
});

test('a database that lacks operations events of its own takes them from the topic, in order, and goes on behind them', async () => {
  const subject = newId();
  const partition = partitionOf(subject, partitions);
  const producer = new SerialProducer(kafka, { log: quiet });
  await producer.sendBatch([
    record(source, 1, subject, config('d')),
    record(sources.gateway, 1, subject, status('frozen')),
    record(source, 2, subject, status('frozen')),
    record(source, 3, subject, status('active')),
  ]);
  await producer.stop();

  const log = new OwnLogStore(unitOfWork);
  const gate = new OwnLogGate([topics.ops]);
  const folded: RecordedOpsEvent[] = [];
  const errors: unknown[] = [];
  const guard = new OwnLogGuard({
    ...{ source, topics: [topics.ops], gate, log, retryMs: 5 },
    run: (work) => unitOfWork.run(work),
    tails: (name, from) => readOwnTails(kafka, source, name, from),
    settled: async () => {},
    onError: (error) => errors.push(error),
    onClosed: () => {},
  });
  const fold = foldOwn(async (_, recorded) => void folded.push(recorded));
  guard.recoverWith(topic, opsRecovery({ kafka, source, log, fold }));
  await guard.start();
  await waitFor(() => gate.isAllOpen, { what: 'the partitions to open' });
  await guard.stop();

  expect(errors).toEqual([]);
  expect(folded.map(({ sequence, event }) => [sequence, event])).toEqual([
    [2n, status('frozen')],
    [3n, status('active')],
  ]);
  expect(await unitOfWork.query('select digest, previous from applied_config')).toEqual([
    { digest: 'd', previous: 'before' },
  ]);
  const [row] = await unitOfWork.query<{ next_seq: string; incarnation: string }>(
    'select next_seq, incarnation from sequencer where topic = $1 and partition = $2',
    [topic, partition],
  );
  expect(row!.next_seq).toBe('4');
  expect(Number(row!.incarnation)).toBeGreaterThan(1);
});
