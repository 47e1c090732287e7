import { peekEnvelope, topics } from '@slipstream/contracts';
import { isSlipstreamError } from '@slipstream/kernel';
import { columns, columnTypes, type Tx } from '@slipstream/postgres';
import { consumerGroup } from '../../application/consumer-group.ts';
import type { Resent } from '../../application/ports.ts';
import { sha256 } from '../../digests.ts';

const ids = columns({ id: columnTypes.text });
const loggedSql = 'select partition, bytes from event_log where slip_id = any($1::text[])';
/** What was set aside and never logged, under the keys of the records. One that waited for its key has its number. */
const setAsideSql = `
select partition, value as bytes from dead_letter
where consumer_group = $1 and topic = $2 and park_key = any($3::text[]) and value is not null`;
/** The same of records without a key. */
const keylessSql = `
select partition, value as bytes from dead_letter
where consumer_group = $1 and topic = $2 and partition = any($3::int[]) and park_key is null and key is null and value is not null`;

interface Row {
  partition: number;
  bytes: Buffer;
}

/**
 * Those whose bytes are not the ones handled before under the same number (rule 8). A number is looked up among the
 * events of the slip that the record names, then among what was set aside: a record that is in neither place names
 * another slip than the one handled.
 */
export async function differing(tx: Tx, resent: readonly Resent[]): Promise<readonly Resent[]> {
  if (resent.length === 0) return [];
  const slips = ids.parameters([...new Set(resent.map(({ slipId }) => slipId))].map((id) => ({ id })));
  const logged = digestsByNumber(await tx.query<Row>(loggedSql, slips));
  const other = resent.filter((one) => !isAmong(logged, one));
  if (other.length === 0) return [];
  const aside = digestsByNumber(await setAside(tx, other));
  return other.filter((one) => !isAmong(aside, one));
}

async function setAside(tx: Tx, resent: readonly Resent[]): Promise<Row[]> {
  const place = [consumerGroup, topics.events.name];
  const keys = resent.flatMap(({ key }) => key ?? []);
  const keyless = resent.filter(({ key }) => key === null).map(({ partition }) => partition);
  const rows = keys.length === 0 ? [] : await tx.query<Row>(setAsideSql, [...place, keys]);
  return keyless.length === 0 ? rows : [...rows, ...(await tx.query<Row>(keylessSql, [...place, keyless]))];
}

type Digests = ReadonlyMap<string, ReadonlySet<string>>;

function isAmong(digests: Digests, { partition, digest, ...number }: Resent): boolean {
  return digests.get(numberOf(partition, number))?.has(digest) ?? false;
}

function numberOf(partition: number, { source, sequence }: Pick<Resent, 'source' | 'sequence'>): string {
  return `${partition} ${sequence} ${source}`;
}

function digestsByNumber(rows: readonly Row[]): Digests {
  const digests = new Map<string, Set<string>>();
  for (const { partition, bytes } of rows) {
    const number = numberIn(partition, bytes);
    if (number === null) continue;
    const digest = sha256(bytes);
    const known = digests.get(number);
    if (known) known.add(digest);
    else digests.set(number, new Set([digest]));
  }
  return digests;
}

/** null: no envelope, so no number. */
function numberIn(partition: number, bytes: Buffer): string | null {
  try {
    return numberOf(partition, peekEnvelope(bytes));
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}
