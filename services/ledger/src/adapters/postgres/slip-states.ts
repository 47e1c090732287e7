import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import { columns, columnTypes, type Tx } from '@slipstream/postgres';
import { parseState, type SlipState } from '@slipstream/slip';
import { fold } from '../../domain/log/follow.ts';

/** What a slip's row says of its state. */
export interface StateRow {
  readonly id: string;
  readonly version: string;
  readonly waits_from: string | null;
  readonly snapshot: string | null;
  readonly snapshot_version: string | null;
}

/** Of a row's columns. */
export const stateColumns = 'version, waits_from, snapshot, snapshot_version';

/** What a release that stored every state wrote where no event could be read. */
const nothingRead = 'null';

const { int8, text } = columnTypes;
const wanted = columns({ id: text, after: int8, through: int8, before_offset: int8 });
const eventsSql = `
select e.slip_id, e.bytes from ${wanted.unnest('w')}
  join event_log e on e.slip_id = w.id and e.version > w.after and e.version <= w.through and e.kafka_offset < w.before_offset
  order by e.slip_id, e.version`;

/** The version up to which the row's snapshot has the slip's events. */
export const snapshotVersionOf = ({ snapshot_version, version }: StateRow): number =>
  Number(snapshot_version ?? version);

/**
 * The states of slips as their rows say: the snapshot, and on top of it the events of the log up to the row's version,
 * without those that wait to be read again. The log is only appended to, so it has them whenever it is asked.
 */
export async function statesOf(
  tx: Pick<Tx, 'query'>,
  rows: readonly StateRow[],
): Promise<Map<string, SlipState | null>> {
  const states = new Map(rows.map((row) => [row.id, snapshotOf(row)]));
  const ask = rows
    .map((row) => ({
      id: row.id,
      after: snapshotVersionOf(row),
      through: Number(row.version),
      before_offset: row.waits_from === null ? Number.MAX_SAFE_INTEGER : Number(row.waits_from),
    }))
    .filter(({ after, through }) => after < through);
  if (ask.length === 0) return states;
  const events = await tx.query<{ slip_id: string; bytes: Buffer }>(eventsSql, wanted.parameters(ask));
  for (const { slip_id, bytes } of events) {
    const recorded = slipEventOf(readEnvelope(bytes));
    states.set(slip_id, fold(states.get(slip_id) ?? null, recorded));
  }
  return states;
}

function snapshotOf({ snapshot }: StateRow): SlipState | null {
  return snapshot === null || snapshot === nothingRead ? null : parseState(snapshot);
}
