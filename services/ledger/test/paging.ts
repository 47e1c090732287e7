import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumedRecord } from '@slipstream/kafka';
import type { SeededRandom } from '@slipstream/kernel';
import { isTransient } from '@slipstream/postgres';
import type { SlipEvent } from '@slipstream/slip';
import type { LedgerQueries, SlipFilter } from '../src/application/queries.ts';
import type { Books } from './books.ts';
import { at, recordedAs, refundRequested, returned, submitted } from './builders.ts';
import { Feed } from './feed.ts';
import { idOf, isDenied, listedAt, offsetBehind, partitions } from './full-books.ts';

/** One way to page through what full books have. */
export interface Way {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly filter: Partial<SlipFilter>;
  /** Slips that were known when the first page was read, in SQL over the row `slip`. */
  readonly fits: string;
}

/** Both ways with large pages, and by something that no index has. */
export const pagingWays: readonly Way[] = [
  { order: 'desc', limit: 1_000, filter: {}, fits: 'true' },
  { order: 'asc', limit: 997, filter: {}, fits: 'true' },
  {
    ...{ order: 'desc', limit: 200, fits: "counterparty = 'shop-7'" },
    filter: { terms: [{ field: 'counterparty', values: ['shop-7'], isNot: false }] },
  },
];

/** What became of it: each known slip must be there, once. */
export interface Paged {
  readonly known: number;
  readonly shown: number;
  readonly twice: number;
  readonly missing: number;
  /** Shown, although they were not known yet. */
  readonly unknown: number;
  /** How long each page took. */
  readonly pageMs: readonly number[];
}

/** Batches under way at once: more would only wait for each other on a machine of few cores. */
const writers = 2;

/**
 * Pages through the slips of full books in several ways at once, while on every partition slips come and change as fast as the books take it.
 * `onSlips`: after each page, how many slips were shown so far.
 */
export async function pageUnderWrites(
  { books, queries, slips, random }: Library,
  ways: readonly Way[],
  onSlips: (shown: number) => void = () => {},
): Promise<{ readonly paged: readonly Paged[]; readonly written: number }> {
  const stop = new AbortController();
  const feeds = Array.from(
    { length: partitions },
    (_, partition) => new Feed(partition, offsetBehind(slips)),
  );
  // The log came without trees: they are built before anything is added.
  for (const { partition } of feeds) await books.claimAnew(partition);
  const writing = Array.from({ length: writers }, (_, n) => {
    const own = feeds.filter(({ partition }) => partition % writers === n);
    return write(books, own, { slips, random, signal: stop.signal });
  });
  let shown = 0;
  const paging = ways.map((way) =>
    page(books, queries, way, (more) => {
      shown += more;
      onSlips(shown);
    }),
  );
  // Whoever fails ends the writers, and is heard when all have ended: before, somebody may still be asking the servers.
  const all = [Promise.all(paging), ...writing].map((one) => one.finally(() => stop.abort()));
  await Promise.allSettled(all);
  const written = (await Promise.all(writing)).reduce((sum, events) => sum + events, 0);
  return { paged: await Promise.all(paging), written };
}

interface Library {
  readonly books: Books;
  readonly queries: LedgerQueries;
  readonly slips: number;
  readonly random: SeededRandom;
}

async function page(
  { unitOfWork }: Books,
  queries: LedgerQueries,
  { order, limit, filter, fits }: Way,
  onSlips: (more: number) => void,
): Promise<Paged> {
  const asked: SlipFilter = { clock: 'wall', terms: [], metadata: [], caller: null, ...filter };
  const seen = new Set<string>();
  const pageMs: number[] = [];
  let [shown, ends] = [0, ''];
  for (let from: Parameters<LedgerQueries['slips']>[2]['from'] = null; ; ) {
    const started = performance.now();
    const { items, next } = await patiently(() => queries.slips(asked, order, { limit, from }));
    pageMs.push(performance.now() - started);
    for (const { state } of items) seen.add(state.slipId);
    shown += items.length;
    onSlips(items.length);
    if (next === null) break;
    // A cursor says how far each partition was handled then.
    ends ||= next[2]!;
    from = { side: 'after', key: next };
  }
  const known = await knownThen(unitOfWork, fits, ends);
  const missing = [...known].filter((id) => !seen.has(id)).length;
  const unknown = [...seen].filter((id) => !known.has(id)).length;
  return { known: known.size, shown, twice: shown - seen.size, missing, unknown, pageMs };
}

async function knownThen(unitOfWork: Books['unitOfWork'], fits: string, ends: string): Promise<Set<string>> {
  const offsets = ends.split('.').map((end) => Number.parseInt(end, 36));
  const known = new Set<string>();
  for (let after = ''; ; ) {
    const sql = `select id from slip where clock = 'wall' and first_offset < ($1::bigint[])[partition + 1] and (${fits}) and id > $2
       order by id limit 100000`;
    const from = after;
    const rows = await patiently(() => unitOfWork.query<{ id: string }>(sql, [offsets, from]));
    for (const { id } of rows) known.add(id);
    if (rows.length < 100_000) return known;
    after = rows.at(-1)!.id;
  }
}

/** Slips that come anywhere in the order, and whatever may still come to one that is there. */
async function write(
  books: Books,
  feeds: readonly Feed[],
  { slips, random, signal }: { slips: number; random: SeededRandom; signal: AbortSignal },
): Promise<number> {
  const rounds = Math.floor(slips / partitions) - 1;
  let written = 0;
  while (!signal.aborted) {
    const feed = random.pick([...feeds]);
    const records = Array.from({ length: random.integer(1, 20) }, () => {
      written += 1;
      const isNew = random.chance(0.5);
      const known = random.integer(1, rounds) * partitions + feed.partition;
      const id = isNew
        ? `new-${feed.partition}-${written}`
        : idOf(isDenied(known) ? known + partitions : known);
      const time = isNew ? listedAt(random.integer(1, slips)) : at(1);
      const event = recordedAs(isNew ? submitted() : later(random), written, id);
      return feed.event({ ...event, time, receivedTime: time });
    });
    await handle(books, feed.partition, records);
  }
  return written;
}

/** As a consumer does whose transaction came to nothing, or perhaps to something: what the log has of it is not handled again. */
async function handle(books: Books, partition: number, records: readonly ConsumedRecord[]): Promise<void> {
  let isFirst = true;
  await patiently(async () => {
    if (!isFirst) {
      await books.claimAnew(partition);
      const sql = 'select 1 from event_log where partition = $1 and kafka_offset = $2';
      if ((await books.unitOfWork.query(sql, [partition, records[0]!.offset])).length > 0) return;
    }
    isFirst = false;
    await books.handle(partition, records);
  });
}

const triesMax = 50;
const tryAgainMs = 100;

/** The server ends transactions that stand still for seconds, as all do now and then on a machine that others keep full. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === triesMax || !isTransient(error)) throw error;
      await sleep(tryAgainMs);
    }
  }
}

const later = (random: SeededRandom): SlipEvent =>
  random.pick<SlipEvent>([
    returned('succeeded'),
    returned('failed'),
    refundRequested(),
    { type: 'SlipOverdue', data: { stage: 'returned', deadline: at(600) } },
    { type: 'CaseOpened', data: { reason: 'repair_budget', summary: 'looked at' } },
  ]);
