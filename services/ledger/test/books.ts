import { sources, stampEnvelope, topics } from '@slipstream/contracts';
import { createDatabase } from '@slipstream/environment';
import type { ConsumedRecord, DeadLetter, PartitionPosition, Subscription } from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import {
  coreMigrations,
  migrate,
  openDataSource,
  prepareTopics,
  type Tx,
  UnitOfWork,
} from '@slipstream/postgres';
import { outboundEvent } from '@slipstream/runtime';
import type { Anomaly, PendingEvent } from '@slipstream/slip';
import { v7 } from 'uuid';
import { eventsSubscription } from '../src/adapters/kafka/events-subscription.ts';
import { readLogRecord } from '../src/adapters/kafka/read-log-record.ts';
import { KnownSlips } from '../src/adapters/postgres/known-slips.ts';
import { ledgerTx } from '../src/adapters/postgres/ledger-tx.ts';
import { buildTree } from '../src/adapters/postgres/log-trees.ts';
import { LostAnswers, type OwnLogState } from '../src/adapters/postgres/lost-answers.ts';
import { Remembered } from '../src/adapters/postgres/remembered.ts';
import type { LedgerMonitor, Resent } from '../src/application/ports.ts';
import { recordBatch } from '../src/application/record-batch.ts';
import { sha256, transactionId, treeHashes } from '../src/digests.ts';
import { migrations } from '../src/migrations.ts';

/** The ledger's batch handler on a database of its own, without Kafka and HTTP. */
export interface Books {
  /** Of its database. */
  readonly url: string;
  readonly unitOfWork: UnitOfWork;
  readonly differing: Resent[];
  readonly unknownTypes: string[];
  readonly anomalies: Anomaly[];
  /** What the monitor was told. */
  readonly counted: { readonly events: number; readonly postings: number };
  readonly remembered: Remembered;
  handle(
    partition: number,
    records: readonly ConsumedRecord[],
    resent?: readonly ConsumedRecord[],
    beforeCommit?: () => Promise<void>,
  ): Promise<void>;
  /** Records of several partitions in one transaction. */
  handleUnit(records: readonly ConsumedRecord[], beforeCommit?: () => Promise<void>): Promise<void>;
  /** Stores records as set aside, all but the first because they wait behind it. */
  setAside(
    partition: number,
    records: readonly ConsumedRecord[],
    reason?: DeadLetter['reason'],
  ): Promise<void>;
  /** What the ledger has published on a partition, as the relay would send it. */
  published(partition: number): Promise<Buffer[]>;
  /** Every row of every table of the ledger, as text. */
  dump(): Promise<string[]>;
  close(): Promise<void>;
  /** The partition is claimed again, perhaps from another database. */
  claimAnew(partition: number): Promise<void>;
}

interface OutboxRow {
  seq: string;
  at: Instant;
  received_at: Instant | null;
  body: Buffer;
}

const outboxSql =
  'select seq, at, received_at, body from outbox_event where topic = $1 and partition = $2 order by seq';
const tables = [
  ...['event_log', 'aside_log', 'log_tree', 'log_node', 'slip', 'slip_hour', 'slip_tag', 'account', 'entry'],
  ...['outbox', 'sequencer'],
];

const notAsked = () => Promise.reject(new Error('not asked'));
/** For reads that wait for nothing. */
export const noWaits = { waitFor: notAsked, logMoved: notAsked };

/** On a new database; of slips so many bytes are remembered, which is but a few. */
/** Transactions at once. */
const connectionsMax = 16;

export async function openBooks(databaseUrl: string, rememberedBytesMax = 40_000): Promise<Books> {
  return booksOn(await createDatabase(databaseUrl, 'ledger_books'), rememberedBytesMax);
}

/** More than there are tests that want one of their own. */
const partitions = 64;

/** On a database that may have books already. */
export async function booksOn(
  url: string,
  rememberedBytesMax: number,
  ownLog: OwnLogState = { isOlder: () => false, isWhole: () => true },
): Promise<Books> {
  const dataSource = await openDataSource({ url, applicationName: 'test', poolMax: connectionsMax });
  await migrate(dataSource, [coreMigrations, migrations]);
  const unitOfWork = new UnitOfWork(dataSource);
  await prepareTopics(unitOfWork, [{ ...topics.events, partitions }]);
  const differing: Resent[] = [];
  const unknownTypes: string[] = [];
  const anomalies: Anomaly[] = [];
  const counted = { events: 0, postings: 0 };
  const monitor: LedgerMonitor = {
    eventsAppended: (count) => (counted.events += count),
    postingsBooked: (count) => (counted.postings += count),
    slipReached() {},
    unknownType: (type) => unknownTypes.push(type),
    anomaly: (one) => anomalies.push(one),
    resentBytesDiffer: (resent) => differing.push(resent),
  };
  const remembered = new Remembered(new KnownSlips(rememberedBytesMax));
  const lost = new LostAnswers(ownLog);
  const context = { sha256, treeHashes, monitor, newId: v7, transactionId };
  const outbound = (event: PendingEvent) => outboundEvent({ source: sources.ledger, newId: v7 }, event);
  const subscription: Subscription<Tx> = eventsSubscription({
    sha256,
    ledgerTx: (tx) => ledgerTx(tx, remembered, lost),
    recordBatch: (tx, batch) => recordBatch(context, tx, batch),
    outbound,
    open: (partition) => buildTree(unitOfWork, partition),
    forget: (partition) => {
      remembered.forget(partition);
      lost.forget(partition);
    },
  });
  const topic = topics.events.name;
  return {
    url,
    unitOfWork,
    differing,
    unknownTypes,
    anomalies,
    counted,
    remembered,
    handle: (partition, records, resent = [], beforeCommit = async () => {}) =>
      unitOfWork.run(async (tx) => {
        await subscription.handle(tx, { topic, partition, records, resent });
        await beforeCommit();
      }),
    handleUnit: (records, beforeCommit = async () => {}) =>
      unitOfWork.run(async (tx) => {
        const batch = { records: records.map(readLogRecord), resent: [], aside: [] };
        const answers = await recordBatch(context, ledgerTx(tx, remembered, lost), batch);
        tx.publish(answers.map(outbound));
        await beforeCommit();
      }),
    async claimAnew(partition) {
      subscription.units!.close(partition);
      await subscription.units!.open({ partition } as PartitionPosition);
    },
    setAside: (partition, records, reason = 'failed') =>
      unitOfWork.run(async (tx) => {
        const letters = records.map((record, n) => ({
          ...{ record, parkKey: record.key!.toString(), errorClass: '', detail: '', attempts: 1 },
          reason: n === 0 ? reason : ('parked_behind' as const),
        }));
        const batch = { topic, partition, records: [], resent: [] };
        await subscription.keep!(tx, batch, letters);
      }),
    async published(partition) {
      const rows = await unitOfWork.query<OutboxRow>(outboxSql, [topic, partition]);
      return rows.map(({ seq, at, received_at, body }) =>
        stampEnvelope(body, { sequence: seq, time: at, receivedTime: received_at ?? at }),
      );
    },
    async dump() {
      const dumped = tables.map((table) =>
        unitOfWork.query<{ row: string }>(`select t::text as row from ${table} t order by 1`),
      );
      return (await Promise.all(dumped)).flatMap((rows, index) =>
        rows.map(({ row }) => `${tables[index]} ${row}`),
      );
    },
    close: () => dataSource.destroy(),
  };
}
