import { createHash } from 'node:crypto';
import { topics } from '@slipstream/contracts';
import type { KnownSlip } from '../verify/ledger-database.ts';
import type { Kept } from './kept.ts';
import type { KeptRow, ServiceDatabase } from './service-database.ts';

/** What a service's database has, as it stands in the file of `--save`. */
export interface ServiceDigest {
  readonly service: string;
  /** Slips of the ledger's log that it has a row of, and those that it has none of. */
  readonly slips: number;
  readonly missing: number;
  /** The first of them. */
  readonly first_missing: readonly string[];
  /** By partition: slips whose submission stands before are in the digest. */
  readonly up_to: Readonly<Record<string, number>>;
  /** So many, and SHA-256 over what of them never changes, in the order of their ids; null: all of it may. */
  readonly digested: number;
  readonly digest: string | null;
  readonly tables: Readonly<Record<string, number>>;
  /** By topic and partition: the next number that it gives; by group, topic and partition: the next offset that it reads. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly positions: Readonly<Record<string, number>>;
}

export type Looked = Pick<ServiceDatabase, 'count' | 'numbers' | 'positions' | 'setAside' | 'rows'>;

/** Of those that are missing so many are named. */
const namedMax = 5;

/**
 * @param ledger how far the ledger's log goes, by partition; it was looked at before the service
 * @param before what was saved: its slips are digested, however many came since; null: all
 */
export async function digestService(
  kept: Kept,
  database: Looked,
  {
    known,
    ledger,
    before,
  }: {
    readonly known: AsyncIterable<KnownSlip>;
    readonly ledger: ReadonlyMap<number, number>;
    readonly before: ServiceDigest | null;
  },
): Promise<ServiceDigest> {
  const positions = await database.positions();
  const aside = kept.group === null ? new Set<string>() : await database.setAside(kept.group);
  const upTo = new Map(
    [...ledger].map(([partition, end]) => {
      const own = positions.find((one) => one.group === kept.group && isOf(one, partition))?.at ?? 0;
      return [partition, kept.group === null ? end : Math.min(end, own)];
    }),
  );
  const digestedUpTo = before?.up_to ?? Object.fromEntries(upTo);
  const hash = createHash('sha256');
  const sums = { slips: 0, missing: 0, digested: 0 };
  const firstMissing: string[] = [];
  for await (const [{ id, partition, offset }, row] of matched(known, database.rows(kept.rows))) {
    if (offset >= (upTo.get(partition) ?? 0) || (row === null && aside.has(id))) continue;
    if (row === null) {
      sums.missing += 1;
      if (firstMissing.length < namedMax) firstMissing.push(id);
      continue;
    }
    sums.slips += 1;
    if (kept.changes || offset >= (digestedUpTo[partition] ?? 0)) continue;
    sums.digested += 1;
    hash.update(`${id} ${row}\n`);
  }
  return {
    ...{ service: kept.service, slips: sums.slips, missing: sums.missing, first_missing: firstMissing },
    ...{ up_to: digestedUpTo, digested: sums.digested, digest: kept.changes ? null : hash.digest('hex') },
    tables: await database.count(kept.tables),
    numbers: byName(await database.numbers(), ({ topic, partition }) => `${topic}/${partition}`),
    positions: byName(positions, ({ group, topic, partition }) => `${group} ${topic}/${partition}`),
  };
}

/** How a service's database is not the one that it was; what came since does not count. */
export function serviceLossesSince(before: ServiceDigest | null, after: ServiceDigest): string[] {
  const { service } = after;
  const problems: string[] = [];
  if (after.missing > 0) {
    const more = after.missing > after.first_missing.length ? ', …' : '';
    problems.push(`${service} has lost ${after.missing} slips: ${after.first_missing.join(', ')}${more}`);
  }
  if (before === null) return problems;
  if (after.digest !== before.digest)
    problems.push(
      after.digested === before.digested
        ? `${service} has other slips than before, or other things of them`
        : `${service} has ${after.digested} slips instead of ${before.digested}`,
    );
  const fewer =
    (what: (name: string, was: number, is: number) => string) => (of: 'tables' | 'numbers' | 'positions') =>
      Object.entries(before[of]).flatMap(([name, was]) => {
        const is = after[of][name];
        // A table that this release does not know any more: nobody says where its rows are now.
        if (is === undefined && of === 'tables') return [];
        return (is ?? 0) < was ? [what(name, was, is ?? 0)] : [];
      });
  return [
    ...problems,
    ...fewer((table, was, is) => `${service} has ${is} rows of ${table} instead of ${was}`)('tables'),
    ...fewer((place, was, is) => `${service} numbers ${place} from ${is} instead of ${was}`)('numbers'),
    ...fewer((place, was, is) => `${service} reads ${place} from ${is} instead of ${was}`)('positions'),
  ];
}

/** Each slip that is known, with its row; both come by their ids. */
async function* matched(
  known: AsyncIterable<KnownSlip>,
  rows: AsyncIterable<KeptRow>,
): AsyncGenerator<readonly [KnownSlip, string | null]> {
  const own = rows[Symbol.asyncIterator]();
  let next = await own.next();
  for await (const slip of known) {
    while (!next.done && next.value.id < slip.id) next = await own.next();
    yield [slip, !next.done && next.value.id === slip.id ? next.value.row : null];
  }
  // What else it has the log does not know of yet; the rest is read, so that it can be looked at again.
  while (!next.done) next = await own.next();
}

function isOf({ topic, partition }: { topic: string; partition: number }, wanted: number): boolean {
  return topic === topics.events.name && partition === wanted;
}

function byName<One extends { readonly at: number }>(places: readonly One[], nameOf: (one: One) => string) {
  return Object.fromEntries(places.map((one) => [nameOf(one), one.at]));
}
