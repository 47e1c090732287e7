import { createHash } from 'node:crypto';
import { readEnvelope, topics } from '@slipstream/contracts';
import { isSlipstreamError } from '@slipstream/kernel';
import { columns, columnTypes, type Tx } from '@slipstream/postgres';
import { consumerGroup } from '../../application/consumer-group.ts';
import type { Resent } from '../../application/ports.ts';

const ids = columns({ id: columnTypes.text });
const loggedSql = 'select bytes from event_log where slip_id = any($1::text[]) and partition = $2';
/** What was set aside and never logged. */
const setAsideSql =
  'select value as bytes from dead_letter where consumer_group = $1 and topic = $2 and partition = $3 and value is not null';

/**
 * Those whose bytes are not the ones handled before under the same number (rule 8). A number is looked up among the
 * events of the slip that the record names, then among what was set aside: a record that is in neither place names
 * another slip than the one handled.
 */
export async function differing(
  tx: Tx,
  partition: number,
  resent: readonly Resent[],
): Promise<readonly Resent[]> {
  if (resent.length === 0) return [];
  const slips = ids.parameters([...new Set(resent.map(({ slipId }) => slipId))].map((id) => ({ id })));
  const logged = digestsByNumber(await tx.query<{ bytes: Buffer }>(loggedSql, [...slips, partition]));
  const isLogged = (one: Resent) => logged.get(numberOf(one))?.has(one.digest.toString('base64'));
  const other = resent.filter((one) => !isLogged(one));
  if (other.length === 0) return [];
  const place = [consumerGroup, topics.events.name, partition];
  const aside = digestsByNumber(await tx.query<{ bytes: Buffer }>(setAsideSql, place));
  return other.filter((one) => !aside.get(numberOf(one))?.has(one.digest.toString('base64')));
}

const numberOf = ({ source, sequence }: { source: string; sequence: number }) => `${sequence} ${source}`;

function digestsByNumber(rows: readonly { bytes: Buffer }[]): Map<string, Set<string>> {
  const digests = new Map<string, Set<string>>();
  for (const { bytes } of rows) {
    const number = numberIn(bytes);
    if (number === null) continue;
    const digest = createHash('sha256').update(bytes).digest('base64');
    const known = digests.get(number);
    if (known) known.add(digest);
    else digests.set(number, new Set([digest]));
  }
  return digests;
}

/** null: no envelope, so no number. */
function numberIn(bytes: Buffer): string | null {
  try {
    return numberOf(readEnvelope(bytes));
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}
