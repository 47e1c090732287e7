import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { decodeSlipEvent, sources, topics } from '@slipstream/contracts';
import { copyDatabase, createDatabase, sharedEnvironment } from '@slipstream/environment';
import type { ConsumedRecord } from '@slipstream/kafka';
import { isSlipstreamError, seededRandom } from '@slipstream/kernel';
import { type LackingRecord, outboundEvent, type Recovery } from '@slipstream/runtime';
import { evolve, type SlipState } from '@slipstream/slip';
import { v7 } from 'uuid';
import { foldBack } from '../src/adapters/postgres/fold-back.ts';
import { projections, rebuild } from '../src/adapters/postgres/rebuild/rebuild.ts';
import { sha256, transactionId } from '../src/digests.ts';
import { type Cue, decideInOrder, mayMoveMoney } from '../src/domain/hold/decide-in-order.ts';
import { Past, type ToldAnswer } from '../src/domain/hold/past.ts';
import { Balances } from '../src/domain/posting/balances.ts';
import { type Books, booksOn } from './books.ts';
import { eur, recordedAs, slipOn, submitted } from './builders.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';
import { expectTrees } from './log-trees.ts';
import { storedAsText } from './stored-books.ts';

const environment = sharedEnvironment();
const partitions = 3;
const seed = Number(process.env.SEED ?? 20_261_128);
const random = seededRandom(seed);

/** A partition of the topic, and how far the ledger has come on it. */
interface Lane {
  readonly feed: Feed;
  readonly lives: ReturnType<typeof randomLives>;
  readonly topic: ConsumedRecord[];
  /** The ledger's own on the topic, in order. */
  readonly own: ConsumedRecord[];
  /** Read of the topic, and sent of the outbox. */
  read: number;
  sent: number;
  n: number;
}

let url: string;
let books: Books;
const lanes: Lane[] = [];
const older = new Set<number>();
const ownLog = { isOlder: (partition: number) => older.has(partition), isWhole: () => older.size === 0 };
let open: Books | null = null;
let lateCues = 0;
/** The slip that waits behind a dead letter, and its letters. */
let parked: string | null = null;
const letters: ConsumedRecord[] = [];

beforeAll(async () => {
  console.log(`seed ${seed}`);
  url = await createDatabase(environment().databaseUrl, 'ledger_lost');
  await begin();
  for (let partition = 0; partition < partitions; partition++) {
    const lives = randomLives(random, partition, 120);
    lanes.push({ feed: new Feed(partition), lives, topic: [], own: [], read: 0, sent: 0, n: 0 });
  }
}, 120_000);
afterAll(() => open?.close());

async function begin(): Promise<void> {
  open = await booksOn(url, 40_000, ownLog);
  books = open;
}

async function end(): Promise<void> {
  open = null;
  await books.close();
}

const databaseName = () => decodeURIComponent(new URL(url).pathname.slice(1));

/** A copy of the database, and where it stands on each partition: what it has read, said, and knows that it said. */
interface Copy {
  readonly name: string;
  readonly stands: readonly { readonly read: number; readonly said: number; readonly known: number }[];
}

async function copyAside(name: string): Promise<Copy> {
  await end();
  await copyDatabase(environment().databaseUrl, databaseName(), `${databaseName()}_${name}`);
  await begin();
  const stands = lanes.map(async ({ feed, read, own, sent }) => {
    const said = (await books.published(feed.partition)).length;
    // What is on the topic it knows, and what it sends next.
    return { read, said, known: own.length + said - sent };
  });
  return { name, stands: await Promise.all(stands) };
}

/** What comes from others. */
function arrive(lane: Lane, count: number): void {
  for (const { slipId, clock, event } of lane.lives.splice(0, count)) {
    lane.topic.push(lane.feed.event(recordedAs(event, lane.n++ + 1, slipId, clock)));
  }
}

async function send(lane: Lane): Promise<void> {
  const published = await books.published(lane.feed.partition);
  const records = published.slice(lane.sent).map((value) => lane.feed.record(value));
  lane.sent = published.length;
  lane.own.push(...records);
  lane.topic.push(...records);
}

const moveSql = `
insert into consumer_position (consumer_group, topic, partition, next_offset) values ('ledger', $1, $2, $3)
on conflict (consumer_group, topic, partition) do update set next_offset = excluded.next_offset`;

/** Handles some of what is on the topic. False: it must wait until everything is known. */
async function handle(lane: Lane, count: number): Promise<boolean> {
  const { partition } = lane.feed;
  const records = lane.topic.slice(lane.read, lane.read + count);
  if (records.length === 0) return false;
  if (random.chance(0.1)) await books.claimAnew(partition);
  try {
    if (random.chance(0.1)) {
      const fails = () => Promise.reject(new Error('not this time'));
      await expect(books.handle(partition, records, [], fails)).rejects.toThrow();
    }
    const behind = records.filter((record) => parked === record.key?.toString());
    await books.handle(
      partition,
      records.filter((record) => !behind.includes(record)),
    );
    if (behind.length > 0) await books.setAside(partition, behind, 'parked_behind');
    letters.push(...behind);
  } catch (error) {
    if (older.size === 0 || !isSlipstreamError(error) || error.code !== 'unavailable') throw error;
    return false;
  }
  lane.read += records.length;
  await books.unitOfWork.query(moveSql, [
    topics.events.name,
    partition,
    lane.topic[lane.read - 1]!.offset + 1,
  ]);
  return true;
}

/** Life goes on, until so many events of others have come on each partition. */
async function live(count: number): Promise<void> {
  for (const lane of lanes) {
    for (let left = count; left > 0; ) {
      const some = random.pick([1, 3, 10, 40]);
      arrive(lane, some);
      left -= some;
      if (random.chance(0.7)) await send(lane);
      await handle(lane, random.pick([1, 7, 60]));
    }
  }
}

async function catchUp(): Promise<void> {
  for (let isMore = true; isMore; ) {
    isMore = false;
    for (const lane of lanes) {
      await send(lane);
      while (await handle(lane, 100)) isMore = true;
    }
  }
}

/** The copy is put in the place of the database, and folds back what it lacks, under traffic. */
async function restore({ name, stands }: Copy, traffic = 0.5, copied: string | null = null): Promise<Copy> {
  let copy: Copy = { name, stands };
  await end();
  await copyDatabase(environment().databaseUrl, `${databaseName()}_${name}`, databaseName());
  const lacking = lanes.map((lane, partition) => {
    const { read, said, known } = stands[partition]!;
    lane.read = read;
    // What the copy had not sent was sent since, or never.
    lane.sent = said - Math.max(known - lane.own.length, 0);
    const records = lane.own.slice(known).map(({ offset, value }) => ({ offset, value: value! }));
    return { records, endOffset: (records.at(-1)?.offset ?? -1) + 1 };
  });
  for (const [partition, { records }] of lacking.entries()) if (records.length > 0) older.add(partition);
  await begin();
  let recovery = recoveryOf(lacking);
  // Nothing is taken before it is known what was said; what a copy of folding takes is put off.
  const isFolding = (await books.unitOfWork.query('select from folding')).length > 0;
  if (older.has(0) && !isFolding) expect(await handle(lanes[0]!, 10)).toBe(false);
  for (let rounds = 0; older.size > 0; rounds++) {
    expect(rounds).toBeLessThan(5_000);
    if (random.chance(0.05)) {
      await end();
      await begin();
      recovery = recoveryOf(lacking);
    }
    if (rounds === 12 && copied !== null) {
      await end();
      await copyDatabase(environment().databaseUrl, databaseName(), `${databaseName()}_${copied}`);
      copy = {
        name: copied,
        stands: stands.map((one, partition) => ({ ...one, read: lanes[partition]!.read })),
      };
      await begin();
      recovery = recoveryOf(lacking);
    }
    for (const partition of [...older]) {
      const { endOffset } = lacking[partition]!;
      if (!(await recovery.foldBack(partition, { sharedSeq: 0, endOffset }))) continue;
      // One is opened a little later than another.
      if (random.chance(0.3)) await openPartition(recovery, partition);
    }
    const lane = random.pick(lanes);
    if (random.chance(traffic)) arrive(lane, random.pick([1, 20]));
    await handle(lane, random.pick([1, 7, 60]));
  }
  return copy;
}

type Lacked = readonly { readonly records: readonly LackingRecord[]; readonly endOffset: number }[];

const recoveryOf = (lacking: Lacked): Recovery =>
  foldBack(books.unitOfWork, {
    ownLog: {
      isCompared: () => true,
      isWholeOn: () => true,
      records: async (partition) => lacking[partition]!.records,
    },
    ...{ newId: v7, transactionId },
    outbound: (event) => outboundEvent({ source: sources.ledger, newId: v7 }, event),
  });

/** As the guard does: in one transaction the new incarnation begins. */
async function openPartition(recovery: Recovery, partition: number): Promise<void> {
  await books.unitOfWork.run(async (tx) => {
    const place = [topics.events.name, partition];
    await tx.query(
      'update sequencer set next_seq = next_seq + 10000 where topic = $1 and partition = $2',
      place,
    );
    lateCues += (await tx.query('select from late_cue where partition = $1', [partition])).length;
    await recovery.folded(tx, partition);
  });
  older.delete(partition);
}

/** All that the ledger said was read back. */
const readBackSql = `
insert into consumer_sequence (consumer_group, topic, partition, source, seq)
  select 'ledger', topic, partition, $2, next_seq - 1 from sequencer where topic = $1
on conflict (consumer_group, topic, partition, source) do update set seq = excluded.seq`;

/** Whoever reads the whole topic anew finds an answer to everything that asks for one, and nothing is said that nobody asked for. */
function expectAnswered(): void {
  const cues: Cue[] = [];
  const told = new Map<string, ToldAnswer[]>();
  const states = new Map<string, SlipState>();
  for (const { topic, own, feed } of lanes) {
    for (const record of topic) {
      const recorded = decodeSlipEvent(record.value!);
      const { slipId, event } = recorded;
      const before = states.get(slipId) ?? null;
      states.set(slipId, evolve(before, recorded));
      if (mayMoveMoney(event)) cues.push({ before, recorded });
    }
    for (const { offset, value } of own) {
      const recorded = decodeSlipEvent(value!);
      const among = told.get(recorded.slipId) ?? [];
      told.set(recorded.slipId, [...among, { partition: feed.partition, offset, recorded }]);
    }
  }
  const past = new Past({ told, late: new Set(), isFoldedBack: () => true });
  decideInOrder(cues, new Map(), transactionId, new Balances(), past);
  expect(past.putOff).toEqual([]);
  expect(past.taken.length).toBe(lanes.reduce((sum, { own }) => sum + own.length, 0));
}

async function expectSound(): Promise<void> {
  expectAnswered();
  await books.unitOfWork.query(readBackSql, [topics.events.name, sources.ledger]);
  for (const projection of projections) {
    const { differences } = await rebuild(projection, {
      ...{ unitOfWork: books.unitOfWork, hashes: { sha256, transactionId }, ending: 'drop' as const },
      onSlips: () => {},
    });
    expect([projection.name, differences]).toEqual([projection.name, []]);
  }
  await expectTrees(books.unitOfWork);
  for (const table of ['ledger_imbalance', 'folding', 'told_answer', 'late_cue'])
    expect([table, await books.unitOfWork.query(`select * from ${table}`)]).toEqual([table, []]);
  // Nothing was said twice.
  const told = lanes.flatMap(({ own }) =>
    own.flatMap(({ value }) => {
      const { slipId, event } = decodeSlipEvent(value!);
      const data = event.data as { transaction?: { id: string } | null; requestId?: string };
      const names =
        event.type === 'HoldRefused' ? [slipId] : [data.transaction?.id ?? data.requestId ?? []].flat();
      return names.map((name) => `${event.type} ${name}`);
    }),
  );
  expect(told.filter((one, index) => told.indexOf(one) !== index)).toEqual([]);
}

it('an older database books what was said, decides what was not, and is what its log tells, restored as often as it may be', async () => {
  await live(60);
  const first = await copyAside('first');
  await live(100);
  await catchUp();
  const before = await storedAsText(books.unitOfWork);
  const outbox = lanes.map(({ own }) => own.length);

  // All of it was said: every row is as it was, and nothing is said again.
  await restore(first, 0);
  await catchUp();
  expect(await storedAsText(books.unitOfWork)).toEqual(before);
  expect(lanes.map(({ own }) => own.length)).toEqual(outbox);
  await expectSound();

  const second = await copyAside('second');
  await live(60);
  // Some of it was not sent when it was lost.
  // A copy of what is being folded back.
  const third = await restore(second, 0.5, 'third');
  expect(third.name).toBe('third');
  await live(40);
  await catchUp();
  await expectSound();
  await restore(third);
  await live(40);
  await catchUp();
  await expectSound();
  await restore(second);
  await live(40);
  await restore(first);
  await live(1_000);
  await catchUp();
  expect(lanes.flatMap(({ lives }) => lives)).toEqual([]);
  await expectSound();
  console.log(`${lateCues} cues were decided late`);
  expect(lateCues).toBeGreaterThan(0);
}, 300_000);

it('a payout waits until the postings of every partition are known; what needs no balance does not', async () => {
  older.add(1);
  const [lane] = lanes;
  const payout = slipOn(0, (n) => `waits-${n}`);
  const order = slipOn(0, (n) => `needs-none-${n}`);
  for (const [slipId, kind] of [
    [order, 'order'],
    [payout, 'payout'],
  ] as const) {
    const event = submitted({ kind, account: 'nobody', amount: eur(5) });
    lane!.topic.push(lane!.feed.event(recordedAs(event, 1, slipId)));
  }
  lane!.read = lane!.topic.length;
  const [first, second] = lane!.topic.slice(-2);
  await books.handle(0, [first!]);
  await expect(books.handle(0, [second!])).rejects.toThrow(/balances are not known/);
  older.clear();
  await books.handle(0, [second!]);
  await send(lane!);
  const said = lane!.own.slice(-2).map(({ value }) => decodeSlipEvent(value!).event.type);
  expect(said).toEqual(['FundsHeld', 'HoldRefused']);
});

it('what was told of a slip that waits behind a dead letter is booked when that is read again, and not said twice', async () => {
  const [lane] = lanes;
  const slipId = slipOn(0, (n) => `parked-${n}`);
  const place = ['ledger', topics.events.name, 0, slipId];
  const park = () =>
    books.unitOfWork.query(
      'insert into parked_key (consumer_group, topic, partition, key) values ($1, $2, $3, $4)',
      place,
    );
  const letGo = () =>
    books.unitOfWork.query(
      'delete from parked_key where consumer_group = $1 and topic = $2 and partition = $3 and key = $4',
      place,
    );
  await catchUp();
  lane!.topic.push(lane!.feed.event(recordedAs(submitted({ account: 'parked' }), 1, slipId)));
  letters.push(...lane!.topic.slice(-1));
  parked = slipId;
  await books.setAside(0, letters);
  lane!.read = lane!.topic.length;
  await park();
  const copy = await copyAside('parked');
  const readAgain = async () => {
    parked = null;
    await letGo();
    await books.handle(0, letters);
    await catchUp();
  };
  // It was answered in the life that is lost.
  await readAgain();
  const said = lane!.own.length;

  parked = slipId;
  await restore(copy, 0);
  await catchUp();
  expect(letters.length).toBe(2);
  expect(await books.unitOfWork.query('select slip_id from told_answer')).toEqual([{ slip_id: slipId }]);
  await readAgain();
  expect(lane!.own.length).toBe(said);
  await expectSound();
});
