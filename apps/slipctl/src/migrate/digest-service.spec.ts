import { describe, expect, it } from '@jest/globals';
import type { KnownSlip } from '../verify/ledger-database.ts';
import { digestService, type Looked, type ServiceDigest, serviceLossesSince } from './digest-service.ts';
import { kept } from './kept.ts';
import type { KeptRow } from './service-database.ts';

const topic = 'slips.events.v1';
const gateway = kept.find(({ service }) => service === 'provider-gateway')!;
const reconciliation = kept.find(({ service }) => service === 'reconciliation')!;
const slip = (id: string, offset: number, partition = 0): KnownSlip => ({ id, partition, offset });
const known = [slip('a', 0), slip('b', 4), slip('c', 2, 1), slip('d', 6)];
const rows: readonly KeptRow[] = known.map(({ id }) => ({ id, row: `["${id}"]` }));
const ledger = new Map([
  [0, 7],
  [1, 3],
]);

interface World {
  readonly known?: readonly KnownSlip[];
  readonly rows?: readonly KeptRow[];
  readonly tables?: Readonly<Record<string, number>>;
  readonly number?: number;
  readonly position?: number;
  readonly aside?: readonly string[];
  readonly before?: ServiceDigest;
  readonly of?: typeof gateway;
}

async function digest(world: World = {}): Promise<ServiceDigest> {
  const place = { topic, partition: 0 };
  const database: Looked = {
    count: async () => world.tables ?? { dispatch: 4 },
    numbers: async () => [{ ...place, at: world.number ?? 12 }],
    positions: async () => [
      { group: 'provider-gateway', ...place, at: world.position ?? 7 },
      { group: 'provider-gateway', topic, partition: 1, at: 3 },
    ],
    setAside: async () => new Set(world.aside),
    async *rows() {
      yield* world.rows ?? rows;
    },
  };
  async function* all() {
    yield* world.known ?? known;
  }
  const { of = gateway, before = null } = world;
  return digestService(of, database, { known: all(), ledger, before });
}

async function losses(after: World): Promise<string[]> {
  const before = await digest();
  return serviceLossesSince(before, await digest({ ...after, before }));
}

describe('a service after an upgrade', () => {
  it('is as it was, whatever came since', async () => {
    expect(await digest()).toMatchObject({ slips: 4, missing: 0, digested: 4 });
    expect(await losses({})).toEqual([]);
    const more = [...known, slip('e', 9), slip('f', 12)];
    const moreRows = [...rows, { id: 'e', row: '[]' }, { id: 'zz', row: 'of no slip that the log has' }];
    const at = { known: more, rows: moreRows, position: 10, number: 40, tables: { dispatch: 6 } };
    expect(await losses(at)).toEqual([]);
  });

  it('has to know only of what it has read, and not of what is set aside', async () => {
    const without = rows.filter(({ id }) => id !== 'd');
    expect(await digest({ rows: without, position: 6 })).toMatchObject({ slips: 3, missing: 0 });
    expect(await digest({ rows: without, aside: ['d'] })).toMatchObject({ slips: 3, missing: 0 });
    expect(await digest({ rows: without })).toMatchObject({ missing: 1, first_missing: ['d'] });
  });

  it.each<[string, World, RegExp]>([
    ['no row of a slip', { rows: rows.slice(1) }, /^provider-gateway has lost 1 slips: a$/],
    [
      'other things of one',
      { rows: rows.map((one) => (one.id === 'c' ? { ...one, row: '["x"]' } : one)) },
      /other slips than before, or other things of them/,
    ],
    ['fewer rows of a table', { tables: { dispatch: 3 } }, /has 3 rows of dispatch instead of 4/],
    ['none of it', { tables: { dispatch: 0 } }, /has 0 rows of dispatch instead of 4/],
    ['an earlier number', { number: 11 }, /numbers slips\.events\.v1\/0 from 11 instead of 12/],
    ['an earlier place', { position: 6 }, /reads provider-gateway slips\.events\.v1\/0 from 6 instead of 7/],
  ])('has %s, and it is named', async (_, after, said) => {
    expect(await losses(after)).toContainEqual(expect.stringMatching(said));
  });

  it('may have a table no more that a later release knows by another name', async () => {
    expect(await losses({ tables: { call: 4 } })).toEqual([]);
  });

  it('names some of many', async () => {
    const [said] = serviceLossesSince(null, await digest({ rows: [], known: many }));
    expect(said).toBe('provider-gateway has lost 7 slips: s-0, s-1, s-2, s-3, s-4, …');
  });

  it('of cases counts that they are there', async () => {
    const found = await digest({ of: reconciliation, rows: rows.slice(0, 2) });
    expect(found).toMatchObject({ slips: 2, missing: 2, digest: null, digested: 0 });
  });
});

const many = Array.from({ length: 7 }, (_, n) => slip(`s-${n}`, n === 6 ? 2 : n, n === 6 ? 1 : 0));
