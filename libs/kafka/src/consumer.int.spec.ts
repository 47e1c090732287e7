import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import type { PartitionPosition } from './ports.ts';
import { MemoryStore } from './test-support/memory-store.ts';
import { eventBytes, source } from './test-support/records.ts';
import { byPartition, Rig, recordOffsets, until } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

const readTo = (sequence: number) => new Map([[source, { incarnation: 0, sequence, digests: [] }]]);

function storeAt(position: Partial<PartitionPosition>): MemoryStore {
  const store = new MemoryStore();
  store.put({ ...store.stored(rig.group, rig.topic, 0), ...position });
  return store;
}

describe('a batch consumer', () => {
  it('handles every record of every partition once, in order, and knows its positions', async () => {
    await rig.start(3);
    for (const partition of [0, 1, 2]) await rig.events(partition, 500);
    const { consumer, store } = await rig.member({ options: { batchRecordsMax: 120 } });
    await until(() => store.effects.length >= 1_500, 'all records handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(3, 500));
    expect([...consumer.positions().values()].map(({ nextOffset }) => nextOffset)).toEqual([500, 500, 500]);
    expect(consumer.positions().get(1)!.sources.get(source)?.sequence).toBe(500);
    expect(consumer.health()).toEqual({ ok: true, problems: [] });
  });

  it('goes on at the stored offset, whatever Kafka has committed', async () => {
    await rig.start();
    await rig.events(0, 10);
    await rig.commitInKafka(0, 2);
    const { store } = await rig.member({
      store: storeAt({ nextOffset: 7, sources: readTo(7) }),
    });
    await until(() => store.effects.length >= 3, 'the rest handled');
    expect(store.effects).toEqual(['0:7', '0:8', '0:9']);
  });

  it('goes back to the stored offset when Kafka has committed the log’s end, as after a restored database', async () => {
    await rig.start(12);
    const store = new MemoryStore();
    for (let partition = 0; partition < 12; partition++) {
      await rig.events(partition, 10);
      // Of the others nothing is stored at all.
      if (partition < 6)
        store.put({ ...store.stored(rig.group, rig.topic, partition), nextOffset: 4, sources: readTo(4) });
    }
    const partitions = Array.from({ length: 12 }, (_, partition) => ({ partition, offset: '10' }));
    await rig.admin.setOffsets({ groupId: rig.group, topic: rig.topic, partitions });
    await rig.member({ store });
    await until(() => store.effects.length >= 96, 'the rest handled');
    expect(new Set(store.effects).size).toBe(96);
  });

  it('begins at the log’s start when nothing is stored, though Kafka says otherwise', async () => {
    await rig.start();
    await rig.events(0, 10);
    await rig.commitInKafka(0, 6);
    const { store } = await rig.member();
    await until(() => store.effects.length >= 10, 'all handled');
    expect(byPartition(store.effects)).toEqual(rig.allOnce(1, 10));
  });

  it('tells Kafka its offsets, for lag tools', async () => {
    await rig.start();
    await rig.events(0, 10);
    await rig.member({ options: { groupOffsetsMs: 100 } });
    await until(async () => {
      const [topic] = await rig.admin.fetchOffsets({ groupId: rig.group, topics: [rig.topic] });
      return topic!.partitions[0]!.offset === '10';
    }, 'offsets committed');
  });

  it('stops loudly when records it never saw are gone from the log', async () => {
    await rig.start(2);
    await rig.events(0, 20);
    await rig.events(1, 20);
    await rig.cut(0, 10);
    const store = storeAt({ nextOffset: 5, sources: readTo(5) });
    const { consumer, stopped } = await rig.member({ store });
    await until(() => stopped.length > 0, 'the partition stopped');
    expect(stopped).toEqual([0]);
    expect(consumer.health().problems.join()).toMatch(/partition 0 stopped: offsets 5 to 9 are gone/);
    await until(() => store.effects.length >= 20, 'the other partition flowed');
    expect(store.effects.every((effect) => effect.startsWith('1:'))).toBe(true);
  });

  it('stops loudly when the log ends before its stored offset', async () => {
    await rig.start();
    await rig.events(0, 3);
    const store = storeAt({ nextOffset: 50, sources: readTo(50) });
    const { consumer, stopped } = await rig.member({ store, options: { watchdogIntervalMs: 200 } });
    await until(() => stopped.length > 0, 'the partition stopped');
    expect(consumer.health().problems.join()).toMatch(/log ends at 3, before the stored offset 50/);
    expect(store.effects).toEqual([]);
  });

  it('stops loudly at a topic that was made anew, though it is longer than the stored offset', async () => {
    await rig.start();
    await rig.events(0, 10);
    const first = await rig.member();
    await until(() => first.store.effects.length === 10, 'all handled');
    await first.consumer.stop();
    await rig.remake();
    await rig.events(0, 30);
    const { consumer, store, stopped } = await rig.member();
    await until(() => stopped.length > 0, 'the partition stopped');
    expect(consumer.health().problems.join()).toMatch(
      /partition 0 stopped: the topic was made anew: offset 10 was stored for topic id [\w-]{22}, now it is [\w-]{22}/,
    );
    expect(store.effects).toHaveLength(10);
  });

  it('takes a topic that was made anew before anything of it was handled', async () => {
    await rig.start();
    const first = await rig.member();
    await until(() => first.consumer.positions().size === 1, 'the partition claimed');
    await first.consumer.stop();
    await rig.remake();
    await rig.events(0, 3);
    const { store } = await rig.member();
    await until(() => store.effects.length === 3, 'all handled');
  });

  it('stops loudly at a jump in seq, keeping what came before', async () => {
    await rig.start();
    await rig.producer.sendBatch([1, 2, 4].map((sequence) => rig.record(0, eventBytes(sequence))));
    const { consumer, store, stopped } = await rig.member();
    await until(() => stopped.length > 0, 'the partition stopped');
    expect(store.effects).toEqual(['0:0', '0:1']);
    expect(consumer.positions().get(0)!.nextOffset).toBe(2);
    expect(consumer.health().problems.join()).toMatch(
      /seq 4 of \/slipstream\/ledger, after 2: 1 record\(s\) lost/,
    );
  });

  it('skips resends and shows them', async () => {
    await rig.start();
    const order = [1, 2, 3, 2, 3, 4, 1, 5];
    await rig.producer.sendBatch(order.map((sequence) => rig.record(0, eventBytes(sequence))));
    const resent: number[] = [];
    const { store } = await rig.member({
      async handle(tx, batch) {
        await recordOffsets(tx, batch);
        resent.push(...batch.resent.map(({ offset }) => offset));
      },
    });
    await until(() => store.stored(rig.group, rig.topic, 0).nextOffset === 8, 'all seen');
    expect(store.effects).toEqual(['0:0', '0:1', '0:2', '0:5', '0:7']);
    expect(resent).toEqual([3, 4, 6]);
  });

  it('runs work between batches under the fence, and tells when the partition is not its own', async () => {
    await rig.start();
    await rig.events(0, 5);
    const { consumer, store } = await rig.member();
    await until(() => store.effects.length >= 5, 'all handled');
    const kept = await consumer.inPartition(0, async (tx, position) => {
      tx.effects.push(`judged at ${position.nextOffset}`);
    });
    expect(kept).toBe(true);
    expect(store.effects.at(-1)).toBe('judged at 5');
    expect(await consumer.inPartition(7, async () => {})).toBe(false);
    await expect(consumer.inPartition(0, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    await store.claim(rig.group, rig.topic, 0, null);
    expect(await consumer.inPartition(0, async (tx) => void tx.effects.push('zombie'))).toBe(false);
    expect(store.effects).not.toContain('zombie');
    expect(consumer.positions().size).toBe(0);
  });

  it('drains: the running chunk ends, nothing more is begun', async () => {
    await rig.start();
    await rig.events(0, 300);
    let running: () => void = () => {};
    const begun = new Promise<void>((resolve) => {
      running = resolve;
    });
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { consumer, store } = await rig.member({
      options: { batchRecordsMax: 100 },
      async handle(tx, batch) {
        running();
        await held;
        await recordOffsets(tx, batch);
      },
    });
    await begun;
    const drained = consumer.drain();
    release();
    await drained;
    expect(store.effects).toHaveLength(100);
    expect(consumer.positions().size).toBe(0);
    expect(await consumer.inPartition(0, async () => {})).toBe(false);
  });
});
