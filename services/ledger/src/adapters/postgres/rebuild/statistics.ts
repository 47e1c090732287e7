import type { Tx } from '@slipstream/postgres';
import { type Counted, countedAs } from '../../../domain/statistics/figures.ts';
import {
  addFigures,
  countedSlips,
  figureNames,
  type HourRow,
  hourRow,
  keyNames,
  toCounted,
} from '../slip-hours.ts';
import type { Difference, Projection } from './projection.ts';

/** Hourly figures: sums, so what they lack can be added while everything goes on (ADR 46). */
export const statistics: Projection = {
  name: 'statistics',
  what: 'how many slips came in each hour, and what became of them',
  tables: [{ name: 'counted', columns: 'slip_id text collate "C", like slip_hour' }],
  versions: async () => new Map(),
  async build(tx, schema, page) {
    const rows = page.ids.flatMap((id) => {
      const folded = page.slip(id);
      return folded === null ? [] : [{ slip_id: id, ...hourRow(countedAs(folded.slip)) }];
    });
    await tx.insert(countedSlips(`${schema}.counted`), rows);
  },
  async differences(tx, schema) {
    return (await differing(tx, schema)).flatMap((row) =>
      figureNames.flatMap((field): Difference[] => {
        const [live, rebuilt] = [row[`live_${field}`]!, row[field]];
        const key = keyNames.map((name) => String(row[name]) || '-').join(' ');
        return live === rebuilt ? [] : [{ row: key, field, live, rebuilt }];
      }),
    );
  },
  async swap(tx, schema) {
    addFigures(tx, (await differing(tx, schema)).map(lackOf));
    await tx.query("insert into projection (name) values ('statistics') on conflict (name) do nothing");
  },
};

type Differing = HourRow & Readonly<Record<`live_${(typeof figureNames)[number]}`, string>>;

/** What the live row lacks of each figure. */
function lackOf(row: Differing): Counted {
  const lack = figureNames.map((name) => [name, String(BigInt(row[name]) - BigInt(row[`live_${name}`]))]);
  return toCounted({ ...row, ...Object.fromEntries(lack) });
}

async function differing(tx: Tx, schema: string): Promise<Differing[]> {
  const keys = keyNames.join(', ');
  const sums = figureNames.map((name) => `sum(${name}) as ${name}`).join(', ');
  const shown = figureNames.flatMap((name) => [
    `coalesce(s.${name}, 0)::text as ${name}`,
    `coalesce(h.${name}, 0)::text as live_${name}`,
  ]);
  const differs = figureNames.map((name) => `coalesce(h.${name}, 0) <> coalesce(s.${name}, 0)`);
  return tx.query<Differing>(`
select ${keys}, ${shown.join(', ')}
  from slip_hour h full join (select ${keys}, ${sums} from ${schema}.counted group by ${keys}) as s using (${keys})
  where ${differs.join(' or ')} order by ${keys}`);
}
