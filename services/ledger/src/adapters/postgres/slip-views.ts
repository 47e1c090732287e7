import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { initialState, type SlipState, timeOn } from '@slipstream/slip';
import type { SlipView } from '../../application/queries.ts';
import { fold } from '../../domain/log/follow.ts';
import { refuseFuture } from './moments.ts';
import { type Stand, type StateRow, standsOf, stateColumns } from './slip-states.ts';

export interface SlipRow extends StateRow {
  readonly clock: string;
  readonly partition: number;
  readonly listed_at: Instant;
}

export const slipColumns = `id, clock, partition, listed_at, ${stateColumns}`;

/** Slips as they stand, in the order of their rows; rows and log must be read at one moment. */
export async function toViews(tx: Pick<Tx, 'query'>, rows: readonly SlipRow[]): Promise<SlipView[]> {
  const stands = await standsOf(tx, rows);
  return rows.map((row) => toView(row, stands.get(row.id)!));
}

/** A slip of which no event could be read is shown as `submitted`. */
function toView({ id, clock, partition }: SlipRow, { state, version, position }: Stand): SlipView {
  return { state: state ?? initialState(id, clock), version, partition, offset: position };
}

const eventsSql = `
select version, kafka_offset, bytes from event_log
where slip_id = $1 and kafka_offset < $2 order by version`;

interface EventRow {
  version: string;
  kafka_offset: string;
  bytes: Buffer;
}

/**
 * A slip as the events up to a time told it, in the order of the log; null: there were none.
 * @throws SlipstreamError malformed_request for a time that has not come: what will be true then is not known
 */
export async function viewAt(
  tx: Pick<Tx, 'query'>,
  [row]: readonly SlipRow[],
  at: Instant,
): Promise<SlipView | null> {
  await refuseFuture(tx, at);
  if (row === undefined) return null;
  const until = row.waits_from ?? Number.MAX_SAFE_INTEGER;
  const events = await tx.query<EventRow>(eventsSql, [row.id, until]);
  let view = null as SlipView | null;
  for (const { version, kafka_offset, bytes } of events) {
    const recorded = slipEventOf(readEnvelope(bytes));
    if (recorded === null || timeOn(recorded) > at) continue;
    const before: SlipState | null = view?.state ?? null;
    view = {
      state: fold(before, recorded)!,
      version: Number(version),
      partition: row.partition,
      offset: Number(kafka_offset),
    };
  }
  return view;
}
