import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import type { Batch, UnitHandler } from './ports.ts';
import { MemoryStore, type MemoryTx, StoreError } from './test-support/memory-store.ts';
import { eventBytes } from './test-support/records.ts';
import { byPartition, Rig, recordOffsets, until } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;
beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

/** Remembers offsets in memory, as a handler does that folds; what is in memory must be what the store has, always. */
class Offsets implements UnitHandler<MemoryTx> {
  readonly #memory = new Map<number, number>();
  readonly #taken = new Map<number, number[]>();
  readonly units: number[][] = [];
  refuses: (partition: number, offset: number) => boolean = () => false;
  beginning: (partition: number) => void = () => {};
  taking: (partition: number, offset: number) => void = () => {};
  readonly opens: number[] = [];
  writing: (partitions: readonly number[]) => Promise<void> = async () => {};

  async open({ partition, nextOffset }: { partition: number; nextOffset: number }): Promise<void> {
    if (this.#memory.has(partition)) throw new Error(`partition ${partition} is open already`);
    this.opens.push(partition);
    this.#memory.set(partition, Math.max(nextOffset, 0));
    this.#taken.set(partition, []);
  }

  close(partition: number): void {
    this.#memory.delete(partition);
    this.#taken.delete(partition);
  }

  begin(partition: number): void {
    this.beginning(partition);
  }

  take(partition: number, { offset }: { offset: number }): boolean {
    if (offset < this.#memory.get(partition)!) throw new Error(`offset ${offset} was folded before`);
    this.taking(partition, offset);
    if (this.refuses(partition, offset)) return false;
    this.#memory.set(partition, offset + 1);
    this.#taken.get(partition)!.push(offset);
    return true;
  }

  unit(spans: readonly { position: { partition: number } }[]) {
    const partitions = spans.map(({ position }) => position.partition);
    const effects = partitions.flatMap((partition) =>
      this.#taken
        .get(partition)!
        .splice(0)
        .map((offset) => `${partition}:${offset}`),
    );
    return {
      write: async (tx: MemoryTx) => {
        await this.writing(partitions);
        this.units.push(partitions);
        tx.effects.push(...effects);
      },
    };
  }
}

async function member(units: Offsets, rest: { store?: MemoryStore; handle?: typeof recordOffsets } = {}) {
  return rig.member({ ...rest, units, options: { unitRecordsMax: 700, batchRecordsMax: 50 } });
}

/** The offsets that went another way than through a unit. */
function alone() {
  const offsets: string[] = [];
  const handle = async (tx: MemoryTx, batch: Batch) => {
    await recordOffsets(tx, batch);
    offsets.push(...batch.records.map(({ offset }) => `${batch.partition}:${offset}`));
  };
  return { offsets, handle };
}

describe('a consumer that handles units', () => {
  it('takes records of several partitions into one transaction, each once and in order', async () => {
    await rig.start(3);
    for (const partition of [0, 1, 2]) await rig.events(partition, 1_500);
    const units = new Offsets();
    const { consumer, store } = await member(units);
    await until(() => store.effects.length >= 4_500, 'all records handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(3, 1_500));
    expect(units.units.some((partitions) => partitions.length > 1)).toBe(true);
    expect([...consumer.positions().values()].map(({ nextOffset }) => nextOffset)).toEqual([
      1_500, 1_500, 1_500,
    ]);
    await rig.events(1, 1);
    await until(() => store.effects.at(-1) === '1:1500', 'the next one handled at once');
  });

  it('sets a record aside that breaks a rule, and only what waits behind it goes another way', async () => {
    await rig.start(1);
    const garbage = Buffer.from('no event');
    const values = [1, 2, 0, 3, 4, 2, 5].map((sequence) =>
      rig.record(
        0,
        sequence === 0 ? garbage : eventBytes(sequence, { key: sequence === 4 ? 'x' : 'y' }),
        sequence === 0 || sequence === 4 ? 'x' : 'y',
      ),
    );
    await rig.producer.sendBatch(values);
    const { offsets, handle } = alone();
    const { store } = await member(new Offsets(), { handle });
    await until(() => store.stored(rig.group, rig.topic, 0).nextOffset === 7, 'all seen');
    expect(store.effects).toEqual(['0:0', '0:1', '0:3', '0:6']);
    expect(store.deadLetters.map(({ reason, record }) => `${reason} ${record.offset}`)).toEqual([
      'undecodable 2',
      'parked_behind 4',
    ]);
    expect(offsets).toEqual([]);
  });

  it('hands on what the handler of units refuses', async () => {
    await rig.start(2);
    for (const partition of [0, 1]) await rig.events(partition, 300);
    const units = new Offsets();
    units.refuses = (partition, offset) => partition === 0 && offset % 100 === 7;
    const { offsets, handle } = alone();
    const { store } = await member(units, { handle });
    await until(() => store.effects.length >= 600, 'all handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(2, 300));
    expect(offsets).toEqual(['0:7', '0:107', '0:207']);
  });

  it('stops a partition loudly at a jump, and keeps what came before', async () => {
    await rig.start(2);
    await rig.producer.sendBatch([1, 2, 4].map((sequence) => rig.record(0, eventBytes(sequence))));
    await rig.events(1, 10);
    const { consumer, store, stopped } = await member(new Offsets());
    await until(() => stopped.length > 0 && store.effects.length === 12, 'the partition stopped');
    expect(consumer.positions().get(0)!.nextOffset).toBe(2);
    expect(consumer.health().problems.join()).toMatch(/seq 4 of .* after 2: 1 record\(s\) lost/);
  });

  it('runs a unit that failed partition by partition, so that a poison record hits its own only', async () => {
    await rig.start(3);
    for (const partition of [0, 1, 2]) await rig.events(partition, 400);
    const units = new Offsets();
    units.writing = async (partitions) => {
      if (partitions.includes(1)) throw new TypeError('x is undefined');
    };
    const handle = async (tx: MemoryTx, batch: Batch) => {
      if (batch.records.some(({ offset }) => batch.partition === 1 && offset === 250))
        throw new TypeError('x is undefined');
      await recordOffsets(tx, batch);
    };
    const { store } = await member(units, { handle });
    await until(() => store.effects.length >= 1_199, 'all but one handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(3, 400).filter((one) => one !== '1:250'));
    expect(
      store.deadLetters.map(({ reason, record }) => `${reason} ${record.partition}:${record.offset}`),
    ).toEqual(['failed 1:250']);
  });

  it('waits with the partition that cannot be written, while the others flow, and loses nothing', async () => {
    await rig.start(3);
    const store = new MemoryStore();
    const units = new Offsets();
    let isBroken = true;
    units.writing = async (partitions) => {
      if (isBroken && partitions.includes(2)) throw new StoreError('setup', 'no such table');
    };
    for (const partition of [0, 1, 2]) await rig.events(partition, 200);
    await member(units, {
      store,
      handle: async () => Promise.reject(new StoreError('setup', 'no such table')),
    });
    await until(() => store.effects.length >= 400, 'the others handled');
    for (const partition of [0, 1]) await rig.events(partition, 100);
    await until(() => store.effects.length >= 600, 'the others go on');
    expect(store.effects.some((one) => one.startsWith('2:'))).toBe(false);
    isBroken = false;
    await until(() => store.effects.length >= 800, 'all handled');
    expect(new Set(store.effects).size).toBe(800);
    expect(store.deadLetters).toEqual([]);
  });

  it('keeps a partition back that may not begin, alone', async () => {
    await rig.start(2);
    for (const partition of [0, 1]) await rig.events(partition, 50);
    const units = new Offsets();
    let isClosed = true;
    units.beginning = (partition) => {
      if (partition === 1 && isClosed) throw new StoreError('transient', 'not yet');
    };
    const { store } = await member(units);
    await until(() => store.effects.length === 50, 'the other handled');
    await until(() => units.opens.filter((partition) => partition === 1).length > 3, 'some tries');
    // It waits longer each time, and the other notices nothing.
    const tries = units.opens.length;
    for (let round = 1; round <= 20; round++) {
      await rig.events(0, 1);
      await until(() => store.effects.length === 50 + round, 'the other goes on');
    }
    expect(units.opens.length - tries).toBeLessThan(20);
    isClosed = false;
    await until(() => store.effects.length === 120, 'all handled');
  });

  it('hands on a record that it cannot take, alone', async () => {
    await rig.start(2);
    for (const partition of [0, 1]) await rig.events(partition, 700);
    const units = new Offsets();
    units.taking = (partition, offset) => {
      if (partition === 0 && (offset === 0 || offset === 600)) throw new TypeError('a bug');
    };
    const { offsets, handle } = alone();
    const { store } = await member(units, { handle });
    await until(() => store.effects.length >= 1_400, 'all handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(2, 700));
    expect(offsets).toEqual(expect.arrayContaining(['0:0', '0:600']));
    expect(store.deadLetters).toEqual([]);
  });

  it('opens what it had in memory anew when a commit’s answer is lost, and does nothing twice', async () => {
    await rig.start(2);
    const store = new MemoryStore();
    let lost = 0;
    store.after = () => {
      if (lost++ % 4 === 1) throw new StoreError('transient', 'the answer is lost');
    };
    await member(new Offsets(), { store });
    for (let i = 0; i < 20; i++) {
      await rig.events(0, 20);
      await rig.events(1, 20);
    }
    await until(() => store.effects.length >= 800, 'all handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(2, 400));
  });

  it('is fenced on one partition, and goes on with the others', async () => {
    await rig.start(2);
    for (const partition of [0, 1]) await rig.events(partition, 10);
    const { consumer, store } = await member(new Offsets());
    await until(() => store.effects.length === 20, 'all handled');
    await store.claim(rig.group, rig.topic, 0, null);
    await rig.events(0, 5);
    await rig.events(1, 5);
    await until(() => store.effects.includes('1:14'), 'the other goes on');
    expect(store.effects).not.toContain('0:10');
    expect([...consumer.positions().keys()]).not.toContain(0);
    // After a while without a new owner it takes the partition again.
    await until(() => store.effects.includes('0:14'), 'the partition taken again');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(2, 15));
  });

  it('shares partitions over members that come and go, each record once', async () => {
    await rig.start(4);
    const store = new MemoryStore();
    const first = await member(new Offsets(), { store });
    const send = async () => {
      for (const partition of [0, 1, 2, 3]) await rig.events(partition, 200);
    };
    await send();
    await member(new Offsets(), { store });
    await send();
    await until(() => store.effects.length >= 800, 'the first two rounds handled');
    await send();
    await first.consumer.stop();
    await send();
    await until(() => store.effects.length >= 3_200, 'all handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(4, 800));
  });

  it('runs work of its own between two units, when nothing more is in memory than is stored', async () => {
    await rig.start(1);
    const units = new Offsets();
    const { consumer, store } = await member(units);
    const sending = (async () => {
      for (let i = 0; i < 30; i++) await rig.events(0, 50);
    })();
    const seen: string[] = [];
    await until(() => store.effects.length > 0, 'the first handled');
    for (let i = 0; i < 10; i++) {
      let prepared = -1;
      const kept = await consumer.inPartition(
        0,
        async (_, { nextOffset }) => {
          expect(nextOffset).toBe(store.effects.length);
          expect(prepared).toBe(nextOffset);
        },
        {
          async prepare({ nextOffset }) {
            prepared = nextOffset;
          },
          committed: () => seen.push(String(prepared === store.effects.length)),
        },
      );
      seen.push(String(kept));
    }
    await sending;
    await until(() => store.effects.length === 1_500, 'all handled');
    expect(seen).toEqual(Array(20).fill('true'));
  });

  it('drains: the unit under way ends, nothing more is begun', async () => {
    await rig.start(1);
    await rig.events(0, 3_000);
    const units = new Offsets();
    let running: () => void = () => {};
    const begun = new Promise<void>((resolve) => {
      running = resolve;
    });
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    units.writing = async () => {
      running();
      await held;
    };
    const { consumer, store } = await member(units);
    await begun;
    const drained = consumer.drain();
    release();
    await drained;
    const { length } = store.effects;
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(3_000);
    expect(store.stored(rig.group, rig.topic, 0).nextOffset).toBe(length);
    expect(consumer.positions().size).toBe(0);
  });
});
