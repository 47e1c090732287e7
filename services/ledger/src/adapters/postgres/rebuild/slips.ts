import { assert } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { serializeState } from '@slipstream/slip';
import type { SlipInBooks, StoredSlip } from '../../../application/ports.ts';
import type { HoldStatus } from '../../../domain/hold/hold.ts';
import { statusOf } from '../../../domain/log/follow.ts';
import type { FoldedSlip } from '../../../domain/rebuild/fold-slip.ts';
import { statusNow } from '../slip-filter.ts';
import { loadSql, mayLag, type SlipRow, slipRow, toStored } from '../slip-rows.ts';
import { standsOf } from '../slip-states.ts';
import { newSlips } from '../tables.ts';
import {
  type Difference,
  differenceTable,
  differingSlips,
  type Projection,
  readDifferences,
  writeDifferences,
} from './projection.ts';

/** With where the slip stands now: of one under way the log tells it, to lists as well. */
const allSql = `select slip.*, ${statusNow} as status_now from slip where id = any($1::text[])`;
/** Of its own: what the state, the hold and the entries are is compared by what they say, not by how they are written. */
const apart: ReadonlySet<string> = new Set([
  'snapshot',
  'snapshot_version',
  'hold_status',
  'hold_terms',
  'entries',
]);

type Row = Readonly<Record<string, unknown>>;
type Shown = Readonly<Record<string, string | null>>;

/** What lists and views of slips show, with the hold that guards their money. */
export const slips: Projection = {
  name: 'slips',
  what: 'what lists and views of slips show, and the hold of each',
  tables: [
    { name: 'slip', columns: 'slip_id text collate "C", version bigint, row_of_log jsonb' },
    differenceTable,
  ],
  versions: async (tx, ids) =>
    new Map((await tx.query<SlipRow>(loadSql, [ids])).map(({ id, version }) => [id, Number(version)])),
  async build(tx, schema, page) {
    const live = await liveSlips(tx, page.ids);
    const found: (Difference & { slipId: string })[] = [];
    const rows: { id: string; version: number; row: Shown }[] = [];
    for (const id of page.ids) {
      const folded = page.slip(id);
      const row = folded && rebuiltRow(folded, live.get(id) ?? null);
      if (row !== null) rows.push({ id, version: folded!.slip.version, row });
      found.push(...compare(id, live.get(id)?.shown ?? null, row));
    }
    await tx.query(
      `insert into ${schema}.slip (slip_id, version, row_of_log)
        select r.id, r.version, r.row::jsonb from unnest($1::text[], $2::bigint[], $3::text[]) as r(id, version, row)`,
      [rows.map(({ id }) => id), rows.map(({ version }) => version), rows.map(({ row }) => jsonOf(row))],
    );
    await writeDifferences(tx, schema, found);
  },
  differences: readDifferences,
  async swap(tx, schema, refold) {
    const ids = await differingSlips(tx, schema);
    for (let at = 0; at < ids.length; at += pageMax) {
      const page = await refold(ids.slice(at, at + pageMax));
      const live = await liveSlips(tx, page.ids);
      await tx.query('delete from slip where id = any($1::text[])', [page.ids]);
      const rows = page.ids.flatMap((id) => {
        const folded = page.slip(id);
        return folded === null ? [] : [slipRow(inBooks(folded, live.get(id)?.stored ?? null))];
      });
      await tx.insert(newSlips, rows);
    }
  },
};

const pageMax = 500;
/** So many events of a slip are folded when it is read, at most. */
const eventsFoldedMax = 32;

/** U+0000 is the one character that no JSON of PostgreSQL holds; no column holds it either. */
const jsonOf = (row: Shown): string => JSON.stringify(row).replaceAll('\\u0000', '\\ufffd');

interface LiveSlip {
  readonly stored: StoredSlip;
  /** As the row itself has them; a settlement may have come since. */
  readonly written: Pick<StoredSlip, 'hold' | 'entries'>;
  readonly shown: Shown;
}

async function liveSlips(tx: Tx, ids: readonly string[]): Promise<Map<string, LiveSlip>> {
  const [all, effective] = await Promise.all([
    tx.query<Row & { id: string }>(allSql, [ids]),
    tx.query<SlipRow>(loadSql, [ids]),
  ]);
  const stands = await standsOf(tx, effective);
  const stored = new Map(effective.map((row) => [row.id, readStored(row, stands.get(row.id)!)]));
  return new Map(all.map((row) => [row.id, toLive(row, stored.get(row.id)!)]));
}

function toLive(row: Row, stored: StoredSlip): LiveSlip {
  const status = row.hold_status as HoldStatus | null;
  const hold = stored.hold && status && { ...stored.hold, status };
  return {
    stored,
    written: { hold, entries: row.entries as number },
    shown: { ...shownColumns(Object.entries(row)), ...shownBooks(stored) },
  };
}

/** A hold whose slip has no terms cannot be read: it is shown as none, and made anew. */
function readStored(row: SlipRow, stand: Parameters<typeof toStored>[1]): StoredSlip {
  const isReadable = row.hold_status === null || row.hold_terms !== null || stand.state?.kind != null;
  return toStored(isReadable ? row : { ...row, hold_status: null }, stand);
}

/** The slip as its row should have it: where the row may wait for what comes, as it stood when it was written. */
function rebuiltRow(folded: FoldedSlip, live: LiveSlip | null): Shown {
  const { slip, hold, told, then } = folded;
  const books = { slip, hold, entries: told.length, snapshotAt: live?.stored.snapshotAt ?? 0 };
  const lags =
    live !== null &&
    then !== null &&
    then.version < slip.version &&
    mayLag({ ...books, before: { ...live.stored, slip: then, ...live.written } });
  const columns = Object.entries(slipRow(lags ? { ...books, slip: then } : books));
  return { ...shownColumns(columns), status_now: statusOf(slip), ...shownBooks(books) };
}

/** For a new row: with a snapshot where there was one, or where the log would be long to read. */
function inBooks({ slip, hold, told }: FoldedSlip, live: StoredSlip | null): SlipInBooks {
  const isKept = slip.version > eventsFoldedMax || (live !== null && live.snapshotAt > 0);
  return { slip, hold, entries: told.length, snapshotAt: isKept ? slip.version : 0 };
}

function shownBooks({ slip, hold, entries }: SlipInBooks): Shown {
  const { status, clock, kind, account, counterparty, amount, executed, references, partsBack } = hold ?? {};
  return {
    state: slip.state && serializeState(slip.state),
    hold:
      hold &&
      [
        status,
        clock,
        kind,
        account,
        counterparty,
        amount?.amount,
        amount?.currency,
        executed,
        references,
        partsBack,
      ].join(' '),
    entries: String(entries),
  };
}

function shownColumns(columns: readonly (readonly [string, unknown])[]): Shown {
  const shown = columns.filter(([name]) => !apart.has(name));
  return Object.fromEntries(shown.map(([name, value]) => [name, shownValue(name, value)]));
}

function shownValue(name: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (name === 'chain')
    return (Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'latin1')).toString('hex');
  return String(value);
}

function compare(id: string, live: Shown | null, rebuilt: Shown | null): (Difference & { slipId: string })[] {
  const whole = (row: Shown | null) => (row === null ? null : `version ${row.version}`);
  if (live === null || rebuilt === null) {
    if (live === rebuilt) return [];
    return [{ slipId: id, row: id, field: 'row', live: whole(live), rebuilt: whole(rebuilt) }];
  }
  return Object.keys(rebuilt).flatMap((field) => {
    assert(field in live, `slip has no column ${field}`);
    const [is, should] = [live[field]!, rebuilt[field]!];
    return is === should ? [] : [{ slipId: id, row: id, field, live: is, rebuilt: should }];
  });
}
