import { decodeSlipEvent, topics } from '@slipstream/contracts';
import {
  type Batch,
  type ConsumedRecord,
  type DeadLetter,
  deadLetterRecord,
  type PartitionPosition,
} from '@slipstream/kafka';
import { PgConsumerStore, prepareTopics, type Tx, type UnitOfWork } from '@slipstream/postgres';
import type { RecordedEvent } from '@slipstream/slip';
import { MarkStore } from '../src/adapters/kafka/mark-store.ts';
import { toRecords } from '../src/adapters/kafka/outgoing.ts';
import { lookEverywhere } from '../src/adapters/kafka/owned-partitions.ts';
import { QuietLane, type QuietLimits } from '../src/adapters/kafka/quiet-lane.ts';
import { subscription } from '../src/adapters/kafka/slip-events.ts';
import { slipLog } from '../src/adapters/kafka/slip-log.ts';
import { createLookout } from '../src/adapters/postgres/lookout.ts';
import { createQuietStore } from '../src/adapters/postgres/quiet-store.ts';
import { openUnit } from '../src/adapters/postgres/unit.ts';
import { createDetector } from '../src/application/detect.ts';
import { foldEvents } from '../src/application/fold-events.ts';
import type { OwnedPartitions, Unit } from '../src/application/ports.ts';
import { noBudget } from '../src/domain/repair/budget.ts';
import type { PartitionLog } from './partition-log.ts';
import { storyMeans } from './story.ts';

/** A way to read a partition's log and to judge its slips. */
export interface Lane {
  readonly marks: MarkStore;
  /** Reads on, up to an offset. */
  readTo(offset: number): Promise<void>;
  detect(): Promise<void>;
}

type Store = PgConsumerStore<DeadLetter>;
const unitOf = (tx: Tx): Unit => openUnit(tx, subscription, (to, decided) => to.publish(toRecords(decided)));
const claim = async (store: Store, partition: number): Promise<PartitionPosition> =>
  store.claim(subscription.group, subscription.topic, partition, null);
export const prepareLanes = (unitOfWork: UnitOfWork, partitions: number) =>
  prepareTopics(unitOfWork, [{ ...topics.events, partitions }]);

/** As before there was memory: every slip is a row, every event goes through the domain. */
export async function rowsAlone(unitOfWork: UnitOfWork, partition: number, log: PartitionLog): Promise<Lane> {
  const store = new PgConsumerStore(unitOfWork, deadLetterRecord);
  let position = await claim(store, partition);
  const marks = new MarkStore();
  return {
    marks,
    async readTo(offset) {
      const from = Math.max(position.nextOffset, 0);
      const events: RecordedEvent[] = [];
      for (let at = from; at < offset; at++) events.push(decodeSlipEvent(log.at(at).value()!));
      const advance = { nextOffset: offset, sources: new Map(), deadLetters: [] };
      await store.commit(position, advance, (tx) =>
        foldEvents(unitOf(tx), partition, events, storyMeans, noBudget),
      );
      position = { ...position, nextOffset: offset };
    },
    detect: detectorOf(marks, createLookout(unitOfWork, subscription), {
      nextOffsets: () => new Map([[partition, Math.max(position.nextOffset, 0)]]),
      async inPartition(_, work) {
        await store.commit(position, null, (tx) => work(unitOf(tx)));
        return true;
      },
    }),
  };
}

function detectorOf(marks: MarkStore, lookout: ReturnType<typeof createLookout>, owned: OwnedPartitions) {
  return createDetector({
    ...{ marks, owned, lookout, means: () => storyMeans, budget: noBudget },
    clocks: () => ({ trouble: null, spreadMs: 0 }),
    monotonicMs: () => performance.now(),
  });
}

/** Where a process dies that is about to write what it folded. */
export type Death = 'before' | 'within' | 'after';

/** The service's own way, without Kafka: slips in memory as long as they are quiet. */
export class MemoryAndRows implements Lane {
  readonly marks = new MarkStore();
  readonly detect: () => Promise<void>;
  readonly #unitOfWork: UnitOfWork;
  readonly #partition: number;
  readonly #log: PartitionLog;
  readonly #limits: Partial<QuietLimits>;
  readonly #store: Store;
  #lane!: QuietLane;
  #position!: PartitionPosition;
  /** Slips in memory, at most. */
  hotMax = 0;

  constructor(
    unitOfWork: UnitOfWork,
    partition: number,
    log: PartitionLog,
    limits: Partial<QuietLimits> = {},
  ) {
    this.#unitOfWork = unitOfWork;
    this.#partition = partition;
    this.#log = log;
    this.#limits = limits;
    this.#store = new PgConsumerStore(unitOfWork, deadLetterRecord);
    const rows = createLookout(unitOfWork, subscription);
    const quiet = {
      hasToJudge: (range: Parameters<QuietLane['hasToJudge']>[0]) => this.#lane.hasToJudge(range),
      awaitsHold: (range: Parameters<QuietLane['awaitsHold']>[0]) => this.#lane.awaitsHold(range),
    };
    this.detect = detectorOf(this.marks, lookEverywhere(rows, quiet), this.#owned());
  }

  /** A process starts: what another had in memory is lost. */
  async start(): Promise<this> {
    this.#lane = new QuietLane({
      store: createQuietStore(this.#unitOfWork, subscription),
      ...{ log: slipLog(this.#log), reader: this.#log, unit: unitOf, limits: this.#limits },
      foldEvents: (unit, partition, events) => foldEvents(unit, partition, events, storyMeans, noBudget),
      foldBack: async () => {},
      onUnknownTypes: () => {},
      heard: () => null,
    });
    this.#position = await claim(this.#store, this.#partition);
    // Each life has a partition of its own, of more than the topic has: where its slips should lie is not known.
    await this.#lane.open({ ...this.#position, topic: 'lives' });
    return this;
  }

  get nextOffset(): number {
    return Math.max(this.#position.nextOffset, 0);
  }

  /** Reads on; `death`: the process dies with the unit that ends there, and another one starts. */
  async readTo(offset: number, death: Death | null = null): Promise<void> {
    let from = this.nextOffset;
    this.#lane.begin();
    for (let at = from; at < offset; at++) {
      const walk = this.#log.at(at);
      if (walk.peek() && this.#lane.take(this.#partition, walk)) continue;
      if (at > from) await this.#commitUnit(at, null);
      await this.#handleAlone(at);
      from = at + 1;
      this.#lane.begin();
    }
    if (offset > from) await this.#commitUnit(offset, death);
    this.hotMax = Math.max(this.hotMax, this.#lane.slips);
  }

  /** Makes every slip in memory a row. */
  async writeAll(slipIds: readonly string[]): Promise<void> {
    const records = slipIds.map((slipId) => this.#record(0, Buffer.from(slipId), null));
    const batch: Batch = { topic: subscription.topic, partition: this.#partition, records, resent: [] };
    const prepared = await this.#lane.prepare(this.#position, batch, []);
    await this.#store.commit(this.#position, null, (tx) => this.#lane.handle(tx, batch, []));
    prepared.committed();
  }

  async #commitUnit(nextOffset: number, death: Death | null): Promise<void> {
    const after = { ...this.#position, nextOffset, sources: this.#sourcesAt(nextOffset) };
    const span = { position: this.#position, nextOffset, records: 1, after: () => after };
    const work = this.#lane.unit([span]);
    if (death === 'before') return void (await this.start());
    await work.prepare?.();
    const advance = { nextOffset, sources: after.sources, deadLetters: [] };
    try {
      await this.#store.commitUnit([{ position: this.#position, advance }], async (tx) => {
        await work.write(tx);
        if (death === 'within') throw new Error('killed');
      });
    } catch (error) {
      if ((error as Error).name === 'BegunTwice') return this.#alone(nextOffset);
      if (death !== 'within') throw error;
    }
    if (death !== null) return void (await this.start());
    this.#position = after;
  }

  /** What the consumer does with a unit that failed. */
  async #alone(nextOffset: number): Promise<void> {
    await this.start();
    for (let at = this.nextOffset; at < nextOffset; at++) await this.#handleAlone(at);
  }

  /** As the consumer handles a record that is not for a unit. */
  async #handleAlone(at: number): Promise<void> {
    const walk = this.#log.at(at);
    const record = this.#record(at, walk.key()!, walk.value());
    const batch: Batch = {
      topic: subscription.topic,
      partition: this.#partition,
      records: [record],
      resent: [],
    };
    const prepared = await this.#lane.prepare(this.#position, batch, []);
    const advance = { nextOffset: at + 1, sources: this.#sourcesAt(at + 1), deadLetters: [] };
    const events = [decodeSlipEvent(walk.value()!)];
    await this.#store.commit(this.#position, advance, (tx) => this.#lane.handle(tx, batch, events));
    prepared.committed();
    this.#position = { ...this.#position, nextOffset: at + 1, sources: advance.sources };
  }

  #record(offset: number, key: Buffer, value: Buffer | null): ConsumedRecord {
    const place = { topic: subscription.topic, partition: this.#partition, offset, timestampMs: 0 };
    return { ...place, key, value, headers: {}, source: '', sequence: 1 };
  }

  #sourcesAt(end: number) {
    const sources = new Map<string, { incarnation: number; sequence: number; digests: number[] }>();
    for (let at = 0; at < end; at++) {
      const walk = this.#log.at(at);
      walk.peek();
      sources.set(walk.source, { incarnation: 7, sequence: walk.sequence, digests: [] });
    }
    return sources;
  }

  #owned(): OwnedPartitions {
    return {
      nextOffsets: () => new Map([[this.#partition, this.nextOffset]]),
      inPartition: async (_, work, judging) => {
        const judged = judging && (await this.#lane.toJudge(this.#position, judging));
        await this.#store.commit(this.#position, null, (tx) => {
          const unit = unitOf(tx);
          return work(judged ? judged.in(unit, tx) : unit);
        });
        judged?.committed();
        return true;
      },
    };
  }
}
