import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Advance, ConsumerStore, DeadLetter, PartitionPosition } from '../ports.ts';
import { decodedHeaders } from './headers.ts';

/** A store and what its transactions leave behind. */
export interface StoreUnderTest<Tx> {
  readonly store: ConsumerStore<Tx>;
  /** Writes something that is kept only with its transaction. */
  write(tx: Tx, effect: string): Promise<void>;
  /** Everything written and kept. */
  effects(): Promise<string[]>;
  /** The reasons of the stored dead letters of a group, in the order of their offsets. */
  letters(group: string): Promise<string[]>;
}

/** What libs/kafka promises itself of a store (`ConsumerStore`): run over each implementation. */
export function describeConsumerStore<Tx>(name: string, open: () => StoreUnderTest<Tx>): void {
  describe(`a consumer store: ${name}`, () => {
    let under: StoreUnderTest<Tx>;
    let group: string;
    const claim = (partition = 0, topicId: string | null = null) =>
      under.store.claim(group, 't', partition, topicId);
    const commit = (position: PartitionPosition, advance: Advance | null, effect: string = randomUUID()) =>
      under.store.commit(position, advance, (tx) => under.write(tx, effect));
    const fenced = { name: 'FencedError' };

    beforeEach(() => {
      under = open();
      group = `g-${randomUUID()}`;
    });

    it('knows nothing of a partition that was never claimed', async () => {
      const fresh = { group, topic: 't', partition: 3, epoch: 1, nextOffset: -1, topicId: null };
      expect(await claim(3)).toEqual({ ...fresh, sources: new Map(), parkedKeys: new Set() });
    });

    it('keeps offset, sources and effect together', async () => {
      const four = { incarnation: 1_800_000_000_000_123, sequence: 4, digests: [1, 0, 4_294_967_295] };
      await commit(await claim(), to(10, { sources: new Map([['/a', four]]) }), `${group} one`);
      expect(await claim()).toMatchObject({ nextOffset: 10, epoch: 2, sources: new Map([['/a', four]]) });
      expect(await under.effects()).toContain(`${group} one`);
    });

    it('keeps a source that did not move, and the last 64 digests of one that did', async () => {
      const at = (sequence: number, digests: number[] = []) => ({ incarnation: 1, sequence, digests });
      await commit(
        await claim(),
        to(1, {
          sources: new Map([
            ['/a', at(1)],
            ['/b', at(7)],
          ]),
        }),
      );
      const digests = Array.from({ length: 100 }, (_, i) => i);
      await commit(await claim(), to(2, { sources: new Map([['/a', at(101, digests)]]) }));
      const { sources } = await claim();
      expect(sources.get('/b')).toEqual(at(7));
      expect(sources.get('/a')).toEqual(at(101, digests.slice(-64)));
    });

    describe('a unit over several partitions', () => {
      const at = (sequence: number) => ({ incarnation: 1, sequence, digests: [sequence] });
      const moves = async () => [
        { position: await claim(0), advance: to(5, { sources: new Map([['/a', at(5)]]) }) },
        {
          position: await claim(1),
          advance: to(7, {
            sources: new Map([
              ['/a', at(3)],
              ['/b', at(4)],
            ]),
          }),
        },
        { position: await claim(2), advance: to(9) },
      ];
      const commitUnit = async (given: Awaited<ReturnType<typeof moves>>, effect: string) =>
        under.store.commitUnit(given, (tx) => under.write(tx, effect));

      it('moves them all, each with its sources, together with the effect', async () => {
        await commitUnit(await moves(), `${group} unit`);
        expect(await under.effects()).toContain(`${group} unit`);
        expect(await claim(0)).toMatchObject({ nextOffset: 5, sources: new Map([['/a', at(5)]]) });
        const { nextOffset, sources } = await claim(1);
        expect(nextOffset).toBe(7);
        expect([...sources.keys()].sort()).toEqual(['/a', '/b']);
        expect((await claim(2)).nextOffset).toBe(9);
      });

      it('moves none when one has another owner, and says which', async () => {
        const given = await moves();
        await claim(1);
        await expect(commitUnit(given, `${group} lost`)).rejects.toMatchObject({
          ...fenced,
          partitions: [1],
        });
        expect(await under.effects()).not.toContain(`${group} lost`);
        expect((await claim(0)).nextOffset).toBe(-1);
      });

      it('moves none when one stands elsewhere, or the work fails', async () => {
        const given = await moves();
        await commit(given[2]!.position, to(1));
        await expect(commitUnit(given, `${group} lost`)).rejects.toMatchObject({
          ...fenced,
          partitions: [2],
        });
        const again = await moves();
        const failing = under.store.commitUnit(again, async (tx) => {
          await under.write(tx, `${group} lost`);
          throw new Error('boom');
        });
        await expect(failing).rejects.toThrow('boom');
        expect(await under.effects()).not.toContain(`${group} lost`);
        expect((await claim(0)).nextOffset).toBe(-1);
      });
    });

    it('keeps nothing of work that fails, and says its error', async () => {
      const position = await claim();
      const failing = under.store.commit(position, to(20), async (tx) => {
        await under.write(tx, `${group} lost`);
        throw new Error('boom');
      });
      await expect(failing).rejects.toThrow('boom');
      expect((await claim()).nextOffset).toBe(-1);
      expect(await under.effects()).not.toContain(`${group} lost`);
    });

    it('fences an owner of an older epoch, also one that works without moving', async () => {
      const old = await claim();
      const now = await claim();
      await expect(commit(old, to(5), `${group} old`)).rejects.toMatchObject(fenced);
      await expect(commit(old, null, `${group} old`)).rejects.toMatchObject(fenced);
      await commit(now, null, `${group} now`);
      expect((await under.effects()).filter((effect) => effect.startsWith(group))).toEqual([`${group} now`]);
      expect((await claim()).nextOffset).toBe(-1);
    });

    it('lets one of two commits from one position win', async () => {
      const position = await claim();
      const results = await Promise.allSettled([1, 2].map(() => commit(position, to(7), `${group} once`)));
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect((await under.effects()).filter((effect) => effect === `${group} once`)).toHaveLength(1);
      await expect(commit(position, null)).rejects.toMatchObject(fenced);
    });

    it('keeps groups and partitions apart', async () => {
      await commit(await claim(0), to(5));
      expect(await claim(1)).toMatchObject({ epoch: 1, nextOffset: -1 });
      expect(await under.store.claim(`${group} other`, 't', 0, null)).toMatchObject({ nextOffset: -1 });
    });

    it('stores dead letters with the advance, and parks the keys they name', async () => {
      const position = await claim(2);
      const deadLetters = [
        letter(3, { parkKey: 'slip-1' }),
        letter(4, { reason: 'stranger', parkKey: null }),
      ];
      await commit(position, to(5, { deadLetters }));
      expect(await under.letters(group)).toEqual(['failed', 'stranger']);
      expect((await claim(2)).parkedKeys).toEqual(new Set(['slip-1']));
      const again = await claim(2);
      await commit(again, to(6, { deadLetters: [letter(5, { parkKey: 'slip-1' })] }));
      expect((await claim(2)).parkedKeys).toEqual(new Set(['slip-1']));
      expect((await claim(1)).parkedKeys).toEqual(new Set());
    });

    it('stores no dead letter of an owner that is fenced', async () => {
      const old = await claim();
      await claim();
      await expect(commit(old, to(5, { deadLetters: [letter(4)] }))).rejects.toMatchObject(fenced);
      expect(await under.letters(group)).toEqual([]);
    });

    it.each<[string, Partial<DeadLetter['record']>, Partial<DeadLetter>]>([
      ['nothing at all', { key: null, value: null }, { parkKey: null }],
      [
        'NUL and half a surrogate pair',
        { headers: { 'a\0': Buffer.of(0, 7), half: '\ud800' } },
        { detail: '\0 \udc00' },
      ],
      ['a header twice', { headers: { twice: [Buffer.from('1'), Buffer.of(255)] } }, {}],
      [
        'bytes that are no text',
        { key: Buffer.of(0, 255), value: Buffer.of(0, 255) },
        { parkKey: 'base64:AP8=' },
      ],
      ['a key of 1 MB', { key: Buffer.alloc(1_000_000, 'k') }, { parkKey: `sha256:${'a'.repeat(64)}` }],
      ['a value of 1 MB', { value: Buffer.alloc(1_000_000, 0xff) }, {}],
      ['headers that were cut', { headers: manyHeaders() }, { headersRaw: Buffer.alloc(800_000, 0xff) }],
    ])('stores a dead letter with %s', async (_, record, rest) => {
      const position = await claim();
      const one = letter(3, { parkKey: 'slip-1', ...rest });
      await commit(position, to(4, { deadLetters: [{ ...one, record: { ...one.record, ...record } }] }));
      expect(await under.letters(group)).toEqual(['failed']);
    });

    it('stores the topic’s id once, and gives back what is stored', async () => {
      expect(await claim(0, null)).toMatchObject({ topicId: null });
      await commit(await claim(0, 'first'), to(5));
      expect(await claim(0, 'second')).toMatchObject({ topicId: 'first', nextOffset: 5 });
      expect(await claim(0, null)).toMatchObject({ topicId: 'first' });
    });

    it('takes the id of a position that has none, and of one where nothing was handled', async () => {
      await commit(await claim(0, null), to(5));
      expect(await claim(0, 'first')).toMatchObject({ topicId: 'first', nextOffset: 5 });
      await claim(1, 'first');
      expect(await claim(1, 'second')).toMatchObject({ topicId: 'second' });
    });

    it('has nothing to do with errors that are not its own', () => {
      expect(under.store.classify(new TypeError('x is undefined'))).toBeNull();
      expect(under.store.classify('text')).toBeNull();
    });
  });
}

function to(nextOffset: number, rest: Partial<Advance> = {}): Advance {
  return { nextOffset, sources: new Map(), deadLetters: [], ...rest };
}

function letter(offset: number, rest: Partial<DeadLetter> = {}): DeadLetter {
  const place = { topic: 't', partition: 0, offset, timestampMs: 0, source: '', sequence: -1 };
  const record = { ...place, key: Buffer.from('slip-1'), value: Buffer.from('v'), headers: {} };
  return {
    record,
    parkKey: null,
    reason: 'failed',
    errorClass: 'TypeError',
    detail: 'x',
    attempts: 3,
    ...rest,
  } as DeadLetter;
}

function manyHeaders(): DeadLetter['record']['headers'] {
  return decodedHeaders(Array.from({ length: 14_000 }, (_, i) => [`h${i}`, Buffer.from('x')]));
}
