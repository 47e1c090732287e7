import { fileURLToPath } from 'node:url';
import { type Topic, topics } from '@slipstream/contracts';
import { createDatabase } from '@slipstream/environment';
import { deadLetterRecord } from '@slipstream/kafka';
import {
  coreMigrations,
  migrate,
  openDataSource,
  PgConsumerStore,
  prepareTopics,
  type Tx,
  UnitOfWork,
} from '@slipstream/postgres';
import type { RecordedEvent } from '@slipstream/slip';
import { MarkStore } from '../src/adapters/kafka/mark-store.ts';
import { ids, toRecords } from '../src/adapters/kafka/outgoing.ts';
import { subscription } from '../src/adapters/kafka/slip-events.ts';
import { createLookout } from '../src/adapters/postgres/lookout.ts';
import { openUnit } from '../src/adapters/postgres/unit.ts';
import { createDetector } from '../src/application/detect.ts';
import { foldEvents } from '../src/application/fold-events.ts';
import type { Lookout, OwnedPartitions, Unit } from '../src/application/ports.ts';
import { noBudget } from '../src/domain/repair/budget.ts';

/** Reconciliation's own database, without Kafka. */
export interface DatabaseUnderTest {
  readonly unitOfWork: UnitOfWork;
  readonly lookout: Lookout;
  unit(tx: Tx): Unit;
  /** Statements sent inside transactions so far. */
  statements(): number;
  /** Another instance: it claims the partition, and so fences the ones before it. */
  instance(partition: number): Promise<Instance>;
  close(): Promise<void>;
}

export interface Instance {
  readonly marks: MarkStore;
  /** Handles a batch as the consumer would: work and offset in one transaction. */
  handle(events: readonly RecordedEvent[]): Promise<void>;
  detect(): Promise<void>;
}

export async function databaseUnderTest(serverUrl: string): Promise<DatabaseUnderTest> {
  const url = await createDatabase(serverUrl, 'reconciliation');
  const dataSource = await openDataSource({ url, applicationName: 'reconciliation-test' });
  const directory = fileURLToPath(new URL('../migrations', import.meta.url));
  await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory }]);
  const unitOfWork = new UnitOfWork(dataSource);
  const published: readonly Topic[] = [topics.events];
  await prepareTopics(unitOfWork, published);
  const store = new PgConsumerStore(unitOfWork, deadLetterRecord);
  let statements = 0;
  const counted = (tx: Tx): Tx => ({
    query: (sql, parameters) => {
      statements++;
      return tx.query(sql, parameters);
    },
    send: (sql, parameters) => {
      statements++;
      tx.send(sql, parameters);
    },
    insert: (target, rows) => {
      statements++;
      return tx.insert(target, rows);
    },
    publish: (records) => tx.publish(records),
    afterCommit: (then) => tx.afterCommit(then),
  });
  const unit = (tx: Tx) =>
    openUnit(counted(tx), subscription, (to, decided) => to.publish(toRecords(decided)));

  const lookout = createLookout(unitOfWork, subscription);
  return {
    unitOfWork,
    lookout,
    unit,
    statements: () => statements,
    close: () => dataSource.destroy(),
    async instance(partition) {
      let position = await store.claim(subscription.group, subscription.topic, partition, null);
      const marks = new MarkStore();
      const owned: OwnedPartitions = {
        nextOffsets: () => new Map([[partition, Math.max(0, position.nextOffset)]]),
        async inPartition(_, work) {
          try {
            await store.commit(position, null, (tx) => work(unit(tx)));
            return true;
          } catch (error) {
            if ((error as Error).name === 'FencedError') return false;
            throw error;
          }
        },
      };
      return {
        marks,
        detect: createDetector({
          ...{ marks, owned, lookout, means: () => ({ ids, stalls: [] }), budget: noBudget },
          clocks: () => ({ trouble: null, spreadMs: 0 }),
          monotonicMs: () => performance.now(),
        }),
        async handle(events) {
          const nextOffset = Math.max(0, position.nextOffset) + events.length;
          const advance = {
            nextOffset,
            sources: new Map([['/slipstream/test', { incarnation: 0, sequence: nextOffset, digests: [] }]]),
            deadLetters: [],
          };
          await store.commit(position, advance, (tx) =>
            foldEvents(unit(tx), partition, events, { ids, stalls: [] }, noBudget),
          );
          position = { ...position, nextOffset };
        },
      };
    },
  };
}
