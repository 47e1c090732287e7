import { columnTypes, type Tx, table } from '@slipstream/postgres';
import { tagRow } from '../ledger-tx.ts';
import { areTagsBuilt, tagsName } from '../slip-tags.ts';
import type { Difference, Projection } from './projection.ts';

const { int4, int8, text } = columnTypes;
const shadowOf = (schema: string) =>
  table(`${schema}.tag`, { slip_id: text, digest: int8, kafka_offset: int8, partition: int4 });

/** What slips are found by that only their events tell (ADR 65). */
export const tags: Projection = {
  name: tagsName,
  what: "by what slips are found that no row of theirs tells: the provider's reference, metadata",
  tables: [
    { name: 'tag', columns: 'slip_id text collate "C", digest bigint, kafka_offset bigint, partition int' },
  ],
  versions: async () => new Map(),
  async build(tx, schema, page) {
    const rows = page.ids.flatMap((id) =>
      (page.slip(id)?.tags ?? []).map((tag) => ({ slip_id: id, ...tagRow(tag) })),
    );
    await tx.insert(shadowOf(schema), rows);
  },
  async differences(tx, schema) {
    // Of slips that came before there were tags nearly all are missing: that is one thing to say, not millions.
    if (!(await areTagsBuilt(tx))) return [unbuilt];
    const found = await differing(tx, schema);
    return found.map(({ place, digest, live, rebuilt }) => ({
      row: place,
      field: 'tag',
      live: live ? digest : null,
      rebuilt: rebuilt ? digest : null,
    }));
  },
  async swap(tx, schema) {
    await tx.query(
      `delete from slip_tag l where not exists (select from ${schema}.tag s where ${same('s', 'l')})`,
    );
    await tx.query(`
      insert into slip_tag (digest, kafka_offset, partition)
        select digest, kafka_offset, partition from ${schema}.tag s
        where not exists (select from slip_tag l where ${same('l', 's')}) order by partition, kafka_offset`);
    await tx.query('insert into projection (name) values ($1) on conflict (name) do nothing', [tagsName]);
  },
};

const unbuilt: Difference = { row: tagsName, field: 'built', live: null, rebuilt: 'of all slips' };

const same = (one: string, other: string) =>
  ['digest', 'kafka_offset', 'partition'].map((name) => `${one}.${name} = ${other}.${name}`).join(' and ');

interface Differing {
  readonly place: string;
  readonly digest: string;
  readonly live: boolean;
  readonly rebuilt: boolean;
}

async function differing(tx: Tx, schema: string): Promise<Differing[]> {
  return tx.query<Differing>(`
select partition || ':' || kafka_offset as place, digest, live.is is not null as live, built.is is not null as rebuilt
  from (select *, true as is from slip_tag) as live
  full join (select digest, kafka_offset, partition, true as is from ${schema}.tag) as built using (digest, kafka_offset, partition)
  where live.is is null or built.is is null order by partition, kafka_offset, digest`);
}
