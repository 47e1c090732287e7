import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import {
  instantFromMicros,
  instantToMicros,
  type PageRequest,
  type SeededRandom,
  seededRandom,
} from '@slipstream/kernel';
import { type SlipEvent, type SlipState, slipStatuses } from '@slipstream/slip';
import { ledgerQueries } from '../src/adapters/postgres/ledger-queries.ts';
import { countOnce, recount } from '../src/adapters/postgres/statistics-projection.ts';
import {
  type LedgerQueries,
  lackable,
  type SlipField,
  type SlipFilter,
  type SlipTerm,
  slipFields,
  slipGroupings,
} from '../src/application/queries.ts';
import { type Books, noWaits, openBooks } from './books.ts';
import { at, eur, recordedAs, refundRequested, returned, submitted } from './builders.ts';
import { Feed } from './feed.ts';
import { PlainBooks } from './plain-books.ts';

const environment = sharedEnvironment();
const seed = Number(process.env.SEED ?? 20_261_126);

/** A ledger's books and what the domain alone makes of the same records. */
class World {
  readonly plain = new PlainBooks();
  readonly metadata = new Map<string, Readonly<Record<string, string>>>();
  readonly #feeds = [0, 1, 2].map((partition) => new Feed(partition));
  #n = 0;

  constructor(
    readonly books: Books,
    readonly random: SeededRandom,
  ) {}

  async tell(
    slipId: string,
    event: SlipEvent,
    clock = 'wall',
    second = this.random.integer(1, 3_000),
  ): Promise<void> {
    const partition = Number(slipId.split('-')[1]) % 3;
    const feed = this.#feeds[partition]!;
    this.#n += 1;
    const recorded = {
      ...recordedAs(event, this.#n, slipId, clock),
      time: at(second),
      receivedTime: at(second),
    };
    const record = feed.event(recorded);
    const answers = this.plain.take(record);
    await this.books.handle(partition, [record]);
    // What the ledger said of some has not come back yet.
    for (const answer of answers) {
      if (this.random.chance(0.8)) await this.tell(slipId, answer.event, answer.clock, second);
    }
  }

  state(slipId: string): SlipState {
    return this.plain.slips.get(slipId)!.slip.state!;
  }
}

const names = ['a', 'b', 'é 💸', 'payer:x'];
const references = ['ord-1', 'ord-2', 'ord-10', 'x,y', '50%', 'é-1'];

function terms(random: SeededRandom) {
  return {
    caller: random.pick(['shop', 'bank']),
    kind: random.pick(['order', 'payment', 'payout'] as const),
    account: random.pick(names),
    counterparty: random.pick(names),
    amount: random.chance(0.2)
      ? null
      : random.chance(0.3)
        ? { amount: 9007199254740993n, currency: 'JPY' }
        : eur(random.integer(1, 900)),
    overdraft: true,
    reviewRequired: random.chance(0.1),
    provider: random.pick(['acme', 'bolt', null]),
    reference: random.pick(references),
    route: random.pick(['default', 'fast']),
    deadline: at(random.integer(1, 3_000)),
  };
}

const opened = (reason: string): SlipEvent => ({ type: 'CaseOpened', data: { reason, summary: 's' } });
const diagnosed = (code: string, kind: 'third_party' | 'undetermined'): SlipEvent => ({
  type: 'SlipDiagnosed',
  data: { cause: { class: kind, code, confidence: 80, summary: 's', remedy: 'r', evidence: [] } },
});

/** A life of any kind, up to anywhere in it. */
async function live(world: World, slipId: string): Promise<void> {
  const { random } = world;
  const clock = random.chance(0.1) ? 'import-1' : 'wall';
  const tell = (event: SlipEvent) => world.tell(slipId, event, clock);
  const own = terms(random);
  const metadata: Record<string, string> = random.chance(0.5)
    ? {}
    : { order_no: random.pick(['1', '2']), 'a.b': 'x' };
  const details = { clear: { text: '', metadata }, sealed: null };
  world.metadata.set(slipId, metadata);
  if (random.chance(0.2)) {
    const { caller, reference, kind, account, counterparty, amount, route } = own;
    const draft = { caller, reference, kind, account, counterparty, amount, route, details };
    const rest = { remindAt: null, expiresAt: at(3_000), configDigest: 'c', deadline: null };
    await tell({ type: 'SlipDrafted', data: { ...draft, ...rest } });
    if (random.chance(0.3)) return;
  }
  const first = submitted(own);
  await tell({ ...first, data: { ...first.data, details } } as SlipEvent);
  const steps: SlipEvent[] = [
    {
      type: 'SlipAcknowledged',
      data: {
        provider: null,
        providerReference: random.pick(['p-1', 'p-2', null]),
        evidence: 'signed_callback',
        providerTime: null,
      },
    },
    { type: 'SlipOverdue', data: { stage: 'returned', deadline: at(600) } },
    random.chance(0.5)
      ? diagnosed('callback_lost', 'third_party')
      : diagnosed('undetermined', 'undetermined'),
    opened('no_answer'),
    { type: 'CaseClosed', data: { reason: null, resolution: 'done' } },
    { type: 'SlipNotReturned', data: { basis: 'not_executed', deadline: at(600) } },
    refundRequested(),
    returned(random.pick(['succeeded', 'failed', 'void'] as const)),
  ];
  for (const step of steps) if (random.chance(0.45)) await tell(step);
}

let world: World;
let queries: LedgerQueries;
let ids: string[];
beforeAll(async () => {
  console.log(`seed ${seed}`);
  world = new World(await openBooks(environment().databaseUrl), seededRandom(seed));
  queries = ledgerQueries(world.books.unitOfWork, noWaits);
  ids = Array.from({ length: 240 }, (_, n) => `slip-${n}`);
  for (const id of ids) await live(world, id);
}, 300_000);
afterAll(() => world?.books.close());

const anything: SlipFilter = { clock: 'wall', terms: [], metadata: [], caller: null };

async function all(
  filter: Partial<SlipFilter>,
  limit = 7,
  order: 'asc' | 'desc' = 'asc',
): Promise<SlipState[]> {
  const found: SlipState[] = [];
  for (let from: PageRequest['from'] = null; ; ) {
    const page = await queries.slips({ ...anything, ...filter }, order, { limit, from });
    found.push(...page.items.map(({ state }) => state));
    if (page.next === null) return found;
    from = { side: 'after', key: page.next };
  }
}

const factOf = {
  provider: 'provider',
  provider_reference: 'providerReference',
  route: 'route',
  kind: 'kind',
  amount: 'amount',
  cause: 'cause',
  deadline: 'deadline',
} as const;

/** What each field of a slip is, as its events say. */
const valuesOf: Readonly<Record<SlipField, (state: SlipState) => readonly (string | null)[]>> = {
  reference: ({ reference }) => [reference],
  reference_prefix: ({ reference }) =>
    Array.from({ length: reference?.length ?? 0 }, (_, n) => reference!.slice(0, n + 1)),
  account: ({ account }) => [account],
  counterparty: ({ counterparty }) => [counterparty],
  provider: ({ provider }) => [provider],
  provider_reference: ({ providerReference }) => [providerReference],
  route: ({ route }) => [route],
  kind: ({ kind }) => [kind],
  currency: ({ amount }) => [amount?.currency ?? null],
  status: ({ status }) => [status],
  outcome: ({ outcome }) => [outcome],
  cause: ({ cause }) => [cause?.class ?? null, cause?.code ?? null],
  cause_code: ({ cause }) => [cause?.code ?? null],
  case: (state) => [state.case?.status ?? 'none'],
  overdue: ({ overdue }) => [String(overdue)],
  not_returned: ({ overdue, outcome }) => [String(overdue && outcome === null)],
  lacks: (state) => lackable.filter((field) => state[factOf[field]] === null),
};

const asked: Readonly<Record<SlipField, readonly string[]>> = {
  reference: references,
  reference_prefix: ['ord', 'ord-1', 'é', '50%', 'zzz'],
  account: names,
  counterparty: names,
  provider: ['acme', 'bolt', 'nobody'],
  provider_reference: ['p-1', 'p-2'],
  route: ['default', 'fast', 'none'],
  kind: ['order', 'payment', 'payout'],
  currency: ['EUR', 'JPY', 'USD'],
  status: slipStatuses,
  outcome: ['succeeded', 'failed', 'void'],
  cause: ['third_party', 'callback_lost', 'undetermined', 'network'],
  cause_code: ['callback_lost', 'undetermined'],
  case: ['open', 'closed', 'none'],
  overdue: ['true', 'false'],
  not_returned: ['true', 'false'],
  lacks: lackable,
};

function meets(state: SlipState, { field, values, isNot }: SlipTerm): boolean {
  const own = valuesOf[field](state);
  const has =
    field === 'lacks'
      ? values.every((value) => own.includes(value))
      : own.some((value) => value !== null && values.includes(value));
  return has !== isNot;
}

const onWall = () => ids.map((id) => world.state(id)).filter(({ clock }) => clock === 'wall');
const idsOf = (states: readonly SlipState[]) => states.map(({ slipId }) => slipId).sort();

describe.each(slipFields)('slips by %s', (field) => {
  it('are those that have one of the values, or none of them', async () => {
    const { random } = world;
    const each = asked[field].map((value) => [value]);
    const some = random.shuffle([...asked[field]]).slice(0, 2);
    let found = 0;
    for (const values of [...each, some]) {
      for (const isNot of [false, true]) {
        const term = { field, values, isNot };
        const expected = onWall().filter((state) => meets(state, term));
        found += isNot ? 0 : expected.length;
        expect([term, ...idsOf(await all({ terms: [term] }))]).toEqual([term, ...idsOf(expected)]);
      }
    }
    expect(found).toBeGreaterThan(0);
  });
});

it('every status is asked for where some slip has it', () => {
  const had = new Set(onWall().map(({ status }) => status));
  expect(had.size).toBeGreaterThan(10);
});

it('several filters mean slips that fit all of them, in either order and with any size of page', async () => {
  const { random } = world;
  for (let n = 0; n < 60; n++) {
    const chosen = random
      .shuffle([...slipFields])
      .slice(0, random.integer(2, 4))
      .map((field) => ({
        field,
        values: random.shuffle([...asked[field]]).slice(0, random.integer(1, 3)),
        isNot: random.chance(0.5),
      }));
    const caller = random.pick([null, 'shop', 'bank']);
    const from = random.chance(0.3) ? at(random.integer(1, 3_000)) : undefined;
    const to = random.chance(0.3) ? at(random.integer(1, 3_000)) : undefined;
    const amountMin = random.chance(0.2) ? BigInt(random.integer(1, 900)) : undefined;
    const amountMax = random.chance(0.2) ? 9007199254740992n : undefined;
    const filter = { terms: chosen, caller, submittedFrom: from, submittedTo: to, amountMin, amountMax };
    const listedAt = (id: string) => world.plain.slips.get(id)!.slip.listedAt;
    const expected = onWall().filter((state) => {
      const when = state.submittedAt ?? listedAt(state.slipId);
      if ((from && when < from) || (to && when >= to)) return false;
      if (amountMin !== undefined && !(state.amount && state.amount.amount >= amountMin)) return false;
      if (amountMax !== undefined && !(state.amount && state.amount.amount <= amountMax)) return false;
      if (caller !== null && state.caller !== caller) return false;
      return chosen.every((term) => meets(state, term));
    });
    const order = random.pick(['asc', 'desc'] as const);
    const found = await all(filter, random.integer(1, 20), order);
    expect([filter, ...idsOf(found)]).toEqual([filter, ...idsOf(expected)]);
    const sorted = [...found].sort(
      (a, b) => (listedAt(a.slipId) < listedAt(b.slipId) ? -1 : 1) * (order === 'asc' ? 1 : -1),
    );
    expect(found.map(({ slipId }) => listedAt(slipId))).toEqual(sorted.map(({ slipId }) => listedAt(slipId)));
  }
});

it('slips are found by what their submitters wrote beside them', async () => {
  for (const [key, values] of [
    ['order_no', ['1']],
    ['order_no', ['1', '2']],
    ['a.b', ['x']],
    ['constructor', ['x']],
  ] as const) {
    for (const isNot of [false, true]) {
      const has = ({ slipId }: SlipState) => {
        const written = world.metadata.get(slipId)!;
        return Object.hasOwn(written, key) && (values as readonly string[]).includes(written[key]!);
      };
      const expected = onWall().filter((state) => has(state) !== isNot);
      const found = await all({ metadata: [{ key, values, isNot }] });
      expect([key, values, isNot, ...idsOf(found)]).toEqual([key, values, isNot, ...idsOf(expected)]);
    }
  }
});

it('every count of what did not return is the length of the list of those slips', async () => {
  for (const terms of [[], [{ field: 'provider' as const, values: ['acme'], isNot: false }]]) {
    const filter = { ...anything, terms };
    const overdue = onWall().filter(({ overdue, outcome }) => overdue && outcome === null);
    const expected = overdue.filter((state) => terms.every((term) => meets(state, term)));
    for (const grouping of ['provider', 'cause', 'hour'] as const) {
      const groups = await queries.notReturned(filter, grouping);
      expect(groups.reduce((sum, { slips }) => sum + slips, 0)).toBe(expected.length);
    }
  }
});

describe('statistics', () => {
  const everything = { clock: 'wall', terms: [], from: undefined, to: undefined };
  const figures = async () =>
    world.books.unitOfWork.query(
      'select * from slip_hour where slips <> 0 order by clock, hour, provider, route, kind, currency, cause, partition',
    );

  beforeAll(() => countOnce(world.books.unitOfWork));

  it.each(slipGroupings)('by %s are the lengths of the lists of those slips', async (grouping) => {
    const groups = await queries.statistics(everything, grouping);
    expect(groups.reduce((sum, { slips }) => sum + slips, 0)).toBe(onWall().length);
    const field = grouping === 'hour' ? null : grouping === 'cause' ? 'cause_code' : grouping;
    for (const group of groups) {
      const hour = group.key!;
      const term = (values: readonly string[], of: SlipField) => ({ field: of, values, isNot: false });
      const lacked = grouping === 'currency' ? 'amount' : grouping;
      const own =
        field === null ? [] : [group.key === null ? term([lacked], 'lacks') : term([group.key], field)];
      const during =
        field === null
          ? { submittedFrom: hour, submittedTo: instantFromMicros(instantToMicros(hour) + 3_600_000_000n) }
          : {};
      const count = async (...more: SlipTerm[]) =>
        (await all({ terms: [...own, ...more], ...during }, 100)).length;
      expect([
        group.key,
        group.slips,
        group.returned,
        group.overdue,
        group.notReturned,
        group.refunded,
      ]).toEqual([
        group.key,
        await count(),
        await count(term(['succeeded', 'failed', 'void'], 'outcome')),
        await count(term(['true'], 'overdue')),
        await count(term(['true'], 'not_returned')),
        await count(term(['refunded'], 'status')),
      ]);
      expect(group.slips).toBeGreaterThan(0);
    }
  });

  it('by what is asked for count those slips alone', async () => {
    const terms = [
      { field: 'provider' as const, values: ['acme', 'bolt'], isNot: false },
      { field: 'cause_code' as const, values: ['callback_lost'], isNot: true },
    ];
    const groups = await queries.statistics({ ...everything, terms }, 'kind');
    const expected = onWall().filter((state) => terms.every((term) => meets(state, term)));
    expect(groups.reduce((sum, { slips }) => sum + slips, 0)).toBe(expected.length);
    const worth = expected.reduce((sum, { amount }) => sum + (amount?.amount ?? 0n), 0n);
    expect(groups.flatMap(({ amounts }) => amounts).reduce((sum, { amount }) => sum + amount, 0n)).toBe(
      worth,
    );
  });

  it('counted anew from the log are the same, row by row', async () => {
    const { unitOfWork } = world.books;
    const live = await figures();
    expect(await recount(unitOfWork)).toEqual([]);
    await unitOfWork.query('delete from slip_hour');
    await unitOfWork.query('delete from projection');
    await expect(queries.statistics(everything, 'hour')).rejects.toMatchObject({ code: 'unavailable' });
    // Two instances start at once: what was there is counted once, and what comes meanwhile as well.
    await Promise.all([countOnce(unitOfWork), countOnce(unitOfWork)]);
    expect(await figures()).toEqual(live);
  });

  it('that are wrong are told, and put right', async () => {
    const { unitOfWork } = world.books;
    const live = await figures();
    await unitOfWork.query(
      'update slip_hour set overdue = overdue + 1, amount = amount - 7 where partition = 1',
    );
    await unitOfWork.query('delete from slip_hour where partition = 2');
    expect((await recount(unitOfWork)).length).toBeGreaterThan(3);
    expect(await figures()).toEqual(live);
    expect(await recount(unitOfWork)).toEqual([]);
  });
});

describe('while slips come and change', () => {
  it.each(['asc', 'desc'] as const)(
    'pages (%s) show every slip that was known at the first one, once and as it is',
    async (order) => {
      const { random } = world;
      const known = [...world.plain.slips.keys()].filter((id) => world.state(id).clock === 'wall');
      const seen: string[] = [];
      let from: PageRequest['from'] = null;
      for (let n = 0; ; n++) {
        const page = await queries.slips(anything, order, { limit: 20, from });
        for (const { state } of page.items) expect(state).toEqual(world.state(state.slipId));
        seen.push(...page.items.map(({ state }) => state.slipId));
        if (page.next === null) break;
        from = { side: 'after', key: page.next };
        // New ones anywhere in the order, drafts that are confirmed, and ends of every kind.
        for (let k = 0; k < 3; k++)
          await live(world, `slip-${(order === 'asc' ? 10_000 : 20_000) + n * 3 + k}`);
        const draft = known.find((id) => world.state(id).status === 'draft');
        if (draft) await world.tell(draft, submitted(terms(random)));
        await world.tell(random.pick(known), returned('succeeded'));
        await world.tell(random.pick(known), {
          type: 'SlipOverdue',
          data: { stage: 'returned', deadline: at(600) },
        });
      }
      expect([...seen].sort()).toEqual([...known].sort());
    },
    120_000,
  );

  it('leads back the way it came', async () => {
    const first = await queries.slips(anything, 'desc', { limit: 30, from: null });
    const second = await queries.slips(anything, 'desc', {
      limit: 30,
      from: { side: 'after', key: first.next! },
    });
    const third = await queries.slips(anything, 'desc', {
      limit: 30,
      from: { side: 'after', key: second.next! },
    });
    const back = await queries.slips(anything, 'desc', {
      limit: 30,
      from: { side: 'before', key: third.previous! },
    });
    expect(idsOf(back.items.map(({ state }) => state))).toEqual(
      idsOf(second.items.map(({ state }) => state)),
    );
    const start = await queries.slips(anything, 'desc', {
      limit: 40,
      from: { side: 'before', key: back.previous! },
    });
    expect(start.items.map(({ state }) => state.slipId)).toEqual(
      first.items.map(({ state }) => state.slipId),
    );
    expect(start.previous).toBeNull();
  });
});

it('a slip of any moment is what its events up to then add up to', async () => {
  for (const id of ids.slice(0, 60)) {
    const { items: events } = await queries.events(id, { limit: 100, from: null });
    for (const { time } of events) {
      const view = await queries.slip(id, time);
      const until = events.filter((event) => event.time <= time);
      expect([id, time, view?.state.version]).toEqual([id, time, until.length]);
    }
    const earliest = events.map(({ time }) => time).sort()[0]!;
    const before = instantFromMicros(instantToMicros(earliest) - 1n);
    expect(await queries.slip(id, before)).toBeNull();
    const last = events
      .map(({ time }) => time)
      .sort()
      .at(-1)!;
    expect((await queries.slip(id, last))!.state).toEqual((await queries.slip(id))!.state);
  }
  await expect(queries.slip(ids[0]!, '2999-01-01T00:00:00.000000Z')).rejects.toMatchObject({
    code: 'malformed_request',
  });
});

it('tags come without a filter that each of them would write anew, until their range of pages is full', async () => {
  const { unitOfWork } = world.books;
  const [tags] = await unitOfWork.query<{ n: number }>('select count(*)::int as n from slip_tag');
  expect(tags!.n).toBeGreaterThan(0);
  // Counts the ranges that had none.
  const sql = "select brin_summarize_range('slip_tag_by_digest', 0) as n";
  expect(await unitOfWork.query(sql)).toEqual([{ n: 1 }]);
  expect(await unitOfWork.query(sql)).toEqual([{ n: 0 }]);
});
