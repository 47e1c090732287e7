import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import { columns, columnTypes, type Tx } from '@slipstream/postgres';
import { parseState, type SlipState } from '@slipstream/slip';
import { fold, type Hash } from '../../domain/log/follow.ts';

/** What a slip's row says of where it stands. */
export interface StateRow {
  readonly id: string;
  readonly version: string;
  readonly position: string;
  readonly chain: Buffer;
  readonly waits_from: string | null;
  readonly snapshot: string | null;
  readonly snapshot_version: string | null;
}

/** Of a row's columns. */
export const stateColumns = 'version, position, chain, waits_from, snapshot, snapshot_version';

/** Where a slip stands after the last of its events, and its state. */
export interface Stand {
  readonly state: SlipState | null;
  readonly version: number;
  readonly position: number;
  readonly chain: Hash;
}

/** What a release that stored every state wrote where no event could be read. */
const nothingRead = 'null';

const { int8, text } = columnTypes;
const wanted = columns({ id: text, after: int8, before_offset: int8 });
const eventsSql = `
select e.slip_id, e.version, e.kafka_offset, e.chain, e.bytes from ${wanted.unnest('w')}
  join event_log e on e.slip_id = w.id and e.version > w.after and e.kafka_offset < w.before_offset
  order by e.slip_id, e.version`;

interface EventRow {
  slip_id: string;
  version: string;
  kafka_offset: string;
  chain: Buffer;
  bytes: Buffer;
}

/** The version up to which the row's snapshot has the slip's events. */
export const snapshotVersionOf = ({ snapshot_version, version }: StateRow): number =>
  Number(snapshot_version ?? version);

/**
 * Where slips stand: the snapshot of the row, and on top of it the events of the log, without those that wait to be read
 * again. The log may be ahead of a row, so rows and events must be of one moment: read them where nobody else writes them, or
 * in one snapshot of the database.
 */
export async function standsOf(
  tx: Pick<Tx, 'query'>,
  rows: readonly StateRow[],
): Promise<Map<string, Stand>> {
  const stands = new Map(rows.map((row) => [row.id, standOf(row)]));
  const ask = rows.map((row) => ({
    id: row.id,
    after: snapshotVersionOf(row),
    before_offset: row.waits_from === null ? Number.MAX_SAFE_INTEGER : Number(row.waits_from),
  }));
  const events = ask.length === 0 ? [] : await tx.query<EventRow>(eventsSql, wanted.parameters(ask));
  for (const event of events) stands.set(event.slip_id, movedTo(stands.get(event.slip_id)!, event));
  return stands;
}

function movedTo(stand: Stand, { version, kafka_offset, chain, bytes }: EventRow): Stand {
  const state = fold(stand.state, slipEventOf(readEnvelope(bytes)));
  // The row may have been written after this event, and after others that wait.
  if (Number(version) <= stand.version) return { ...stand, state };
  return { state, version: Number(version), position: Number(kafka_offset), chain: chain.toString('latin1') };
}

function standOf(row: StateRow): Stand {
  const { version, position, chain } = row;
  return {
    state: snapshotOf(row),
    version: Number(version),
    position: Number(position),
    chain: chain.toString('latin1'),
  };
}

function snapshotOf({ snapshot }: StateRow): SlipState | null {
  return snapshot === null || snapshot === nothingRead ? null : parseState(snapshot);
}
