import { columns, columnTypes, type Tx } from '@slipstream/postgres';
import type { SlipFilter } from '../../application/queries.ts';
import { tagDigest } from '../../digests.ts';
import { metadataTag, providerReferenceTag } from '../../domain/log/tags.ts';

/** The projection that says whether all slips have their tags. */
export const tagsName = 'tags';
const builtSql = `select from projection where name = '${tagsName}'`;

const placesSql = 'select partition, kafka_offset from slip_tag where digest = any($1::int8[]) limit $2';
const places = columns({ partition: columnTypes.int4, kafka_offset: columnTypes.int8 });
const slipsSql = `
select distinct e.slip_id from ${places.unnest('t')}, lateral (
  select l.slip_id from event_log l where l.partition = t.partition and l.kafka_offset = t.kafka_offset offset 0) as e`;

/** Whether the tags of all slips are there, those too that were logged by a release without tags. */
export async function areTagsBuilt(tx: Pick<Tx, 'query'>): Promise<boolean> {
  return (await tx.query(builtSql)).length > 0;
}

/**
 * At most `max` slips, among which are all that a tag fits that was asked for; null: no tag was asked for, each fits more slips than that (so a
 * list comes upon them soon), or not all slips have theirs.
 */
export async function taggedSlips(
  tx: Pick<Tx, 'query'>,
  filter: SlipFilter,
  max: number,
): Promise<readonly string[] | null> {
  const asked = digestsOf(filter);
  if (asked.length === 0 || !(await areTagsBuilt(tx))) return null;
  for (const digests of asked) {
    const found = await tx.query<{ partition: number; kafka_offset: string }>(placesSql, [digests, max + 1]);
    if (found.length > max) continue;
    const at = found.map((row) => ({ partition: row.partition, kafka_offset: Number(row.kafka_offset) }));
    const rows = await tx.query<{ slip_id: string }>(slipsSql, places.parameters(at));
    return rows.map(({ slip_id }) => slip_id);
  }
  return null;
}

/** Of each filter that tags serve, those of its values. */
function digestsOf({ terms, metadata }: SlipFilter): string[][] {
  const named = [
    ...terms.flatMap(({ field, values, isNot }) =>
      field === 'provider_reference' && !isNot ? [{ name: providerReferenceTag, values }] : [],
    ),
    ...metadata.flatMap(({ key, values, isNot }) => (isNot ? [] : [{ name: metadataTag(key), values }])),
  ];
  return named.map(({ name, values }) => values.map((value) => tagDigest(name, value).toString()));
}
