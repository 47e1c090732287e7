import { beforeEach, describe, expect, it } from '@jest/globals';
import { ChunkRunner, Interrupted } from './chunk-runner.ts';
import type { Message } from './message.ts';
import { Neighbours } from './neighbours.ts';
import type { Batch, DeadLetter } from './ports.ts';
import { MemoryStore, type MemoryTx } from './test-support/memory-store.ts';
import { eventMessage } from './test-support/records.ts';

const warned: unknown[] = [];
const log = { info() {}, warn: (...said: unknown[]) => void warned.push(said), error() {} };
let store: MemoryStore;
let neighbours: Neighbours;
/** Throws what the handler would for a batch with this offset. */
let fail: (offset: number) => void;

beforeEach(() => {
  store = new MemoryStore();
  neighbours = new Neighbours();
  fail = () => {};
  warned.length = 0;
});

async function handle(tx: MemoryTx, { records }: Batch): Promise<void> {
  for (const { offset } of records) {
    fail(offset);
    tx.effects.push(String(offset));
  }
}

async function runner(partition = 0): Promise<ChunkRunner<MemoryTx>> {
  const subscription = { topic: 't', group: 'g', sequenced: true, handle };
  const limits = { batchRecordsMax: 100, attemptsMax: 3, attemptDelayMs: 0 };
  const position = await store.claim('g', 't', partition, null);
  return new ChunkRunner({ ...limits, store, subscription, neighbours, metrics: {}, log }, position);
}

const events = (...keys: string[]): Message[] => keys.map((key, i) => eventMessage(i, i + 1, { key }));
const run = async (messages: readonly Message[], partition = 0) =>
  (await runner(partition)).next(messages, 0, async () => true);
const letters = () => store.deadLetters.map(({ reason, record }) => `${reason} ${record.offset}`);

describe('an error of the handler', () => {
  it('that hits one record alone makes it a dead letter after its tries', async () => {
    let tries = 0;
    fail = (offset) => {
      if (offset === 1 && tries++ < 100) throw new TypeError('x is undefined');
    };
    await run(events('a', 'b', 'c', 'd'));
    expect(letters()).toEqual(['failed 1']);
    expect(store.deadLetters[0]).toMatchObject({ attempts: 3, errorClass: 'TypeError' });
    expect(store.effects).toEqual(['0', '2', '3']);
    expect(tries).toBe(4);
    // Whoever looks for the slip in the log finds it.
    expect(warned).toEqual([['dead letter', expect.objectContaining({ key: 'b', slipId: 'b', offset: 1 })]]);
  });

  it('that hits its neighbours, too, is no record’s: nothing is set aside, and all is handled once it has gone', async () => {
    fail = () => {
      throw new TypeError('the configuration is broken');
    };
    await expect(run(events('a', 'b', 'a', 'c'))).rejects.toMatchObject({
      name: 'Interrupted',
      kind: 'shared',
    });
    expect(store.deadLetters).toEqual([]);
    expect(store.effects).toEqual([]);
    fail = () => {};
    await run(events('a', 'b', 'a', 'c'));
    expect(store.effects).toEqual(['0', '1', '2', '3']);
  });

  it('is a record’s own when neighbours fail otherwise, and the next one’s when it recovers', async () => {
    fail = (offset) => {
      if (offset === 0) throw new TypeError('x is undefined');
      if (offset === 1) throw new RangeError('too far');
    };
    await run(events('a', 'b', 'c'));
    expect(letters()).toEqual(['failed 0', 'failed 1']);
    expect(store.effects).toEqual(['2']);
  });

  it('looks at no record of the same key for a neighbour', async () => {
    fail = () => {
      throw new TypeError('x is undefined');
    };
    await run(events('a', 'a', 'a'));
    expect(letters()).toEqual(['failed 0', 'parked_behind 1', 'parked_behind 2']);
  });

  it('that hits a second key in a row stops also where nothing else waits, on whatever partition', async () => {
    fail = () => {
      throw new TypeError('the configuration is broken');
    };
    await run(events('a'), 0);
    expect(letters()).toEqual(['failed 0']);
    await expect(run(events('b'), 1)).rejects.toMatchObject({ kind: 'shared' });
    expect(letters()).toHaveLength(1);
  });

  it('is a second record’s own when one between them was handled', async () => {
    const broken = () => {
      throw new TypeError('x is undefined');
    };
    fail = broken;
    await run(events('a'), 0);
    fail = () => {};
    await run(events('c'), 1);
    fail = broken;
    await run(events('b'), 2);
    expect(letters()).toEqual(['failed 0', 'failed 0']);
  });

  it('while a neighbour is tried counts as its own: away is away', async () => {
    fail = (offset) => {
      if (offset === 0) throw new TypeError('x is undefined');
    };
    const probing = await runner();
    store.before = ({ nextOffset }) => {
      if (nextOffset === -1 && probes++ > 3) throw new Interrupted('transient', new Error('away'));
    };
    let probes = 0;
    store.classify = (error) => (error instanceof Interrupted ? 'transient' : null);
    await expect(probing.next(events('a', 'b'), 0, async () => true)).rejects.toMatchObject({
      kind: 'transient',
    });
    expect(store.deadLetters).toEqual([]);
  });
});

describe('a subscription that keeps every record', () => {
  it('gets a stretch of the log whole, with what waits and what counts for nothing, and neither of the other calls', async () => {
    const kept: string[] = [];
    const never = () => Promise.reject(new Error('not called'));
    const position = await store.claim('g', 't', 0, null);
    const keep = async (_tx: MemoryTx, { records, resent }: Batch, letters: readonly DeadLetter[]) => {
      kept.push(
        ...records.map(({ offset }) => `record ${offset}`),
        ...resent.map(({ offset }) => `resent ${offset}`),
      );
      kept.push(...letters.map(({ record, reason }) => `${reason} ${record.offset}`));
    };
    const subscription = { topic: 't', group: 'g', sequenced: true, handle: never, setAside: never, keep };
    const limits = { batchRecordsMax: 100, attemptsMax: 3, attemptDelayMs: 0 };
    const options = { ...limits, store, subscription, neighbours, metrics: {}, log };
    const [first, second, last] = events('a', 'b', 'b');
    const messages = [
      first!,
      { ...second!, value: Buffer.from('?') },
      { ...last!, ...eventMessage(2, 2, { key: 'b' }) },
    ];
    await new ChunkRunner(options, position).next(messages, 0, async () => true);
    expect(kept).toEqual(['record 0', 'undecodable 1', 'parked_behind 2']);
  });
});
