import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { type PageRequest, seededRandom } from '@slipstream/kernel';
import { serializeState, slipStatuses } from '@slipstream/slip';
import { ledgerQueries } from '../src/adapters/postgres/ledger-queries.ts';
import type { LedgerQueries, SlipField, SlipView } from '../src/application/queries.ts';
import { type FollowedSlip, statusOf } from '../src/domain/log/follow.ts';
import { type Books, noWaits, openBooks } from './books.ts';
import { recordedAs, submitted } from './builders.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';
import { PlainBooks } from './plain-books.ts';

const environment = sharedEnvironment();
let books: Books;
let queries: LedgerQueries;
beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
  queries = ledgerQueries(books.unitOfWork, noWaits);
});
afterAll(() => books?.close());

const clocks = ['wall', 'import-1', 'import-2'];

async function listed(clock: string, asked: Partial<Record<SlipField, string>> = {}): Promise<SlipView[]> {
  const terms = Object.entries(asked).map(([field, value]) => ({
    ...{ field: field as SlipField, values: [value], isNot: false },
  }));
  const views: SlipView[] = [];
  for (let from: PageRequest['from'] = null; ; ) {
    const page = await queries.slips({ clock, terms, metadata: [], caller: null }, 'asc', { limit: 7, from });
    views.push(...page.items);
    if (page.next === null) return views;
    from = { side: 'after', key: page.next };
  }
}

const text = ({ state, version, partition, offset }: SlipView) =>
  `${serializeState(state)} ${version} ${partition}:${offset}`;
const expected = ({ state, version, partition, position }: FollowedSlip) =>
  text({ state: state!, version, partition, offset: position });

it('lists by status and single slips say where slips stand, also where their rows lag behind the log', async () => {
  const seed = Number(process.env.SEED ?? 20261126);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const plain = new PlainBooks();
  let n = 0;
  for (let partition = 0; partition < 3; partition++) {
    const feed = new Feed(partition);
    const next = (slipId: string, clock: string, event: Parameters<typeof recordedAs>[0]) =>
      feed.event(recordedAs(event, (n++ % 3_000) + 1, slipId, clock));
    // Some lives have ended and some not, and what the ledger said of some has not come back.
    const lives = randomLives(random, partition, 60);
    for (const { slipId, clock, event } of lives.slice(0, random.integer(60, lives.length))) {
      const record = next(slipId, clock, event);
      const answers = plain.take(record);
      await books.handle(partition, [record]);
      const own = answers.filter(() => random.chance(0.7)).map((one) => next(slipId, one.clock, one.event));
      for (const one of own) plain.take(one);
      if (own.length > 0) await books.handle(partition, own);
    }
  }
  const slips = [...plain.slips.values()].map(({ slip }) => slip);
  const rows = await books.unitOfWork.query<{ lags: boolean; settled: boolean }>(
    'select s.version < n.version as lags, s.hold_status <> n.hold_status as settled from slip s join slip_now n using (id)',
  );
  expect(rows.filter(({ lags }) => lags).length).toBeGreaterThan(10);
  expect(rows.filter(({ settled }) => settled).length).toBeGreaterThan(0);
  for (const clock of clocks) {
    const own = slips.filter((slip) => slip.clock === clock);
    expect((await listed(clock)).map(text).sort()).toEqual(own.map(expected).sort());
    for (const status of slipStatuses) {
      const those = own.filter((slip) => statusOf(slip) === status);
      expect([status, ...(await listed(clock, { status })).map(text).sort()]).toEqual([
        status,
        ...those.map(expected).sort(),
      ]);
    }
    for (const outcome of ['succeeded', 'failed', 'void']) {
      const those = own.filter(({ state }) => state?.outcome === outcome);
      expect((await listed(clock, { outcome })).map(text).sort()).toEqual(those.map(expected).sort());
    }
  }
  for (const slip of slips) expect(text((await queries.slip(slip.slipId))!)).toBe(expected(slip));
  const now = await books.unitOfWork.query(
    'select id, status, version::int, outcome, hold_status from slip_now order by id collate "C"',
  );
  const names = slips.map((slip) => ({
    ...{ id: slip.slipId, status: statusOf(slip), version: slip.version, outcome: slip.state!.outcome },
    hold_status: plain.holds.get(slip.slipId)?.status ?? null,
  }));
  names.sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  expect(now).toEqual(names);
});

it('the stream has what a caller may see, and what came on a route, also of slips whose rows an older release wrote', async () => {
  const feed = new Feed(5);
  const [mine, other] = ['stream-mine', 'stream-other'];
  const submission = (slip: string, caller: string, route: string) =>
    feed.event(recordedAs(submitted({ caller, route }), 1, slip));
  await books.handle(5, [submission(mine, 'shop', 'cards'), submission(other, 'else', 'wires')]);
  const read = async (asked: { caller?: string; route?: string }) => {
    const values = asked.route === undefined ? [] : [asked.route];
    const { events } = await queries.logAfter(
      {
        ...{ slips: [mine, other], types: [], clock: null, caller: asked.caller ?? null },
        terms: values.length === 0 ? [] : [{ field: 'route', values, isNot: false }],
      },
      [0, 0, 0, 0, 0, 0],
    );
    return events.map(({ slipId }) => slipId);
  };
  const expectAll = async () => {
    expect(await read({})).toEqual([mine, other]);
    expect(await read({ caller: 'shop' })).toEqual([mine]);
    expect(await read({ caller: 'else' })).toEqual([other]);
    expect(await read({ route: 'wires' })).toEqual([other]);
    expect(await read({ caller: 'shop', route: 'wires' })).toEqual([]);
  };
  await expectAll();
  await books.unitOfWork.query(
    "update slip set first_offset = null, caller = null, route = null where id like 'stream-%'",
  );
  await expectAll();
});

it('shows what was set aside of a slip: those that wait first, in order, then what was handled or given up', async () => {
  const setAside = (
    place: { offset: number; of: string; by?: string; on?: string },
    parked: boolean,
    status = 'parked',
  ) =>
    books.unitOfWork.query(
      `insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, key, headers, reason, error_class, detail, attempts, status)
       values ($1, $2, 4, $3, $4, $5, '{}', $6, '', '', 1, $7)`,
      [
        ...[place.by ?? 'ledger', place.on ?? 'slips.events.v1', place.offset, parked ? place.of : null],
        ...[Buffer.from(place.of), parked ? 'failed' : 'stranger', status],
      ],
    );
  await setAside({ offset: 1, of: 'letters-é' }, true, 'redriven');
  await setAside({ offset: 2, of: 'letters-é' }, true, 'dismissed');
  await setAside({ offset: 3, of: 'letters-é' }, true);
  await setAside({ offset: 4, of: 'letters-é' }, false);
  await setAside({ offset: 5, of: 'letters-é' }, true, 'queued');
  // Of another slip, by another service, and of another topic: not the ledger's word about this one.
  await setAside({ offset: 6, of: 'letters-e' }, true);
  await setAside({ offset: 7, of: 'letters-é', by: 'provider-gateway' }, true);
  await setAside({ offset: 8, of: 'letters-é', on: 'slips.results.v1' }, true);
  const { letters, count } = await queries.deadLetters('letters-é');
  expect(count).toBe(5);
  expect(letters.map(({ offset, reason, status }) => `${offset} ${reason} ${status}`)).toEqual([
    ...['3 failed parked', '4 stranger parked', '5 failed queued'],
    ...['2 failed dismissed', '1 failed redriven'],
  ]);
  expect(letters[0]).toEqual({
    ...{ id: expect.stringMatching(/^\d+$/), topic: 'slips.events.v1', partition: 4, offset: 3 },
    ...{ reason: 'failed', status: 'parked', since: expect.stringMatching(/Z$/) },
  });
  expect(await queries.deadLetters('letters-nobody')).toEqual({ letters: [], count: 0 });
  await books.unitOfWork.query(
    `insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, headers, reason, error_class, detail, attempts)
     select 'ledger', 'slips.events.v1', 4, n, 'letters-many', '{}', 'parked_behind', '', '', 0 from generate_series(100, 129) n`,
  );
  const many = await queries.deadLetters('letters-many');
  expect([many.count, many.letters.map(({ offset }) => offset)]).toEqual([
    30,
    Array.from({ length: 20 }, (_, index) => 100 + index),
  ]);
});
