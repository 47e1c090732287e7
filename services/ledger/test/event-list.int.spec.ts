import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeSlipEvent, readEnvelope, stampEnvelope } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { type PageRequest, seededRandom } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';
import { ledgerQueries } from '../src/adapters/postgres/ledger-queries.ts';
import type { EventListFilter, LedgerQueries, ListedEvent } from '../src/application/queries.ts';
import { type Books, noWaits, openBooks } from './books.ts';
import { at, recordedAs, submitted } from './builders.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';

const environment = sharedEnvironment();
const seed = Number(process.env.SEED ?? 20_261_127);
const traces = ['0af7651916cd43dd8448eb211c80319c', 'ffffffffffffffffffffffffffffffff'];
const slipsByPartition = 30;

interface Logged extends RecordedEvent {
  readonly partition: number;
  readonly offset: number;
  readonly trace: string | null;
}

let books: Books;
let queries: LedgerQueries;
/** What was logged, in the order of the log. */
const logged: Logged[] = [];
const feeds = [0, 1, 2].map((partition) => new Feed(partition));
let n = 0;

async function log(partition: number, slipId: string, clock: string, event: RecordedEvent['event']) {
  n += 1;
  const trace = n % 3 === 0 ? null : traces[n % 2]!;
  // Received long before what lies around it, as what waited in an outbox was.
  const second = n % 7 === 0 ? 1 : (n % 3_000) + 1;
  const recorded = { ...recordedAs(event, n, slipId, clock), receivedTime: at(second) };
  const { id, source, time, receivedTime } = recorded;
  const head = { id, source, subject: slipId, clock };
  const body = encodeSlipEvent(
    trace === null ? head : { ...head, traceparent: `00-${trace}-b7ad6b7169203331-01` },
    event,
  );
  const record = feeds[partition]!.record(stampEnvelope(body, { sequence: String(n), time, receivedTime }));
  logged.push({ ...recorded, partition, offset: record.offset, trace });
  await books.handle(partition, [record]);
}

const onRoute = (event: RecordedEvent['event'], route: string): RecordedEvent['event'] =>
  event.type === 'SlipSubmitted' ? { ...event, data: { ...event.data, route } } : event;

beforeAll(async () => {
  console.log(`seed ${seed}`);
  books = await openBooks(environment().databaseUrl);
  queries = ledgerQueries(books.unitOfWork, noWaits);
  const random = seededRandom(seed);
  for (const { partition } of feeds) {
    for (const { slipId, clock, event } of randomLives(random, partition, slipsByPartition))
      await log(partition, slipId, clock, partition === 1 ? onRoute(event, 'payouts') : event);
  }
}, 120_000);
afterAll(() => books?.close());

const anything: EventListFilter = {
  ...{ slips: [], types: [], clock: null, terms: [], caller: null, trace: null },
};

async function walk(filter: Partial<EventListFilter>, limit: number, side: 'after' | 'before' = 'after') {
  const asked = { ...anything, ...filter };
  const found: ListedEvent[] = [];
  const first = await queries.log(asked, { limit: 1, from: null });
  const ends = first.next?.[2] ?? null;
  if (side === 'before' && ends === null) return first.items;
  let from: PageRequest['from'] = side === 'after' ? null : { side, key: [String(feeds.length), '0', ends!] };
  for (;;) {
    const page = await queries.log(asked, { limit, from });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    if (side === 'after') found.push(...page.items);
    else found.unshift(...page.items);
    const key = side === 'after' ? page.next : page.previous;
    if (key === null) return found;
    from = { side, key };
  }
}

const placeOf = ({ partition, offset }: { partition: number; offset: number }) => `${partition}:${offset}`;
const expected = (is: (event: Logged) => boolean) =>
  logged
    .filter(is)
    .toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
    .map(placeOf);

const ofType = 'slipstream.slip.submitted.v1';
const isOfType = ({ event }: Logged) => event.type === 'SlipSubmitted';
/** What each slip was submitted with. */
const termsOf = (slipId: string) =>
  logged.flatMap((one) =>
    one.slipId === slipId && one.event.type === 'SlipSubmitted' ? [one.event.data] : [],
  )[0];
/** Of its slip, which is that of the slip's first event. */
const clockOf = ({ slipId }: Logged) => logged.find((one) => one.slipId === slipId)!.clock;
const someSlips = () => [logged[0]!.slipId, logged.at(-1)!.slipId];

const asked: [string, () => Partial<EventListFilter>, (event: Logged) => boolean][] = [
  ['nothing', () => ({}), () => true],
  ['a type', () => ({ types: [ofType] }), isOfType],
  ['a type that nobody has', () => ({ types: ['slipstream.slip'] }), () => false],
  ['a clock', () => ({ clock: 'wall' }), (one) => clockOf(one) === 'wall'],
  ['slips', () => ({ slips: someSlips() }), ({ slipId }) => someSlips().includes(slipId)],
  ['a trace', () => ({ trace: traces[0]! }), ({ trace }) => trace === traces[0]],
  ['a time', () => ({ receivedFrom: at(40), receivedTo: at(90) }), (one) => isWithin(one, at(40), at(90))],
  [
    'a time and a type',
    () => ({ receivedTo: at(2), types: [ofType] }),
    (one) => isOfType(one) && isWithin(one, '', at(2)),
  ],
  [
    'an account',
    () => ({ terms: [{ field: 'account', values: ['a'], isNot: false }] }),
    ({ slipId }) => termsOf(slipId)?.account === 'a',
  ],
  [
    'a route',
    () => ({ terms: [{ field: 'route', values: ['payouts'], isNot: false }] }),
    ({ slipId }) => termsOf(slipId)?.route === 'payouts',
  ],
  [
    'any other route than one',
    () => ({ terms: [{ field: 'route', values: ['payouts'], isNot: true }] }),
    ({ slipId }) => termsOf(slipId)?.route !== 'payouts',
  ],
  ['a caller who has none', () => ({ caller: 'nobody' }), () => false],
];
const isWithin = ({ receivedTime }: Logged, from: string, to: string) =>
  receivedTime >= from && receivedTime < to;

it.each(asked)(
  'who asks for %s finds those events, each once, page by page, both ways',
  async (name, filter, is) => {
    const those = expected(is);
    expect(those.length > 0).toBe(!/nobody|none/.test(name));
    for (const limit of [1_000, 7]) {
      for (const side of ['after', 'before'] as const)
        expect((await walk(filter(), limit, side)).map(placeOf)).toEqual(those);
    }
  },
);

it('an event is shown with its slip, its place, its clock and its trace', async () => {
  for (const { partition, offset, clock, traceId, slipId, bytes } of await walk({}, 100)) {
    const meant = logged.find((one) => one.partition === partition && one.offset === offset)!;
    const { trace, ...is } = meant;
    expect([slipId, clock, traceId, readEnvelope(bytes).id]).toEqual([
      is.slipId,
      clockOf(meant),
      trace,
      is.id,
    ]);
  }
});

describe('while events come', () => {
  it('pages stop where the log ended when the first one was read', async () => {
    const before = expected(() => true);
    const first = await queries.log(anything, { limit: 5, from: null });
    const slips = feeds.map(({ partition }) => `late-${partition}`);
    for (const [partition, slipId] of slips.entries()) await log(partition, slipId, 'wall', submitted());
    const found = [...first.items];
    for (let key = first.next; key !== null; ) {
      const page = await queries.log(anything, { limit: 50, from: { side: 'after', key } });
      found.push(...page.items);
      key = page.next;
    }
    expect(found.map(placeOf)).toEqual(before);
    expect((await walk({}, 50)).map(placeOf)).toEqual(expected(() => true));
  });
});

it('a caller sees the events of its own slips, also where an older release wrote the row', async () => {
  await log(1, 'mine', 'wall', submitted({ caller: 'me' }));
  const mine = async () => (await walk({ caller: 'me' }, 50)).map(({ slipId }) => slipId);
  expect(await mine()).toEqual(['mine']);
  await books.unitOfWork.query(
    "update slip set first_offset = null, caller = null where id like 'late-%' or id = 'mine'",
  );
  expect(await mine()).toEqual(['mine']);
});
