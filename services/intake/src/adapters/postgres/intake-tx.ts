import { topics } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import {
  advanceClocks,
  closedClocks,
  isLockTimeout,
  type OutboundRecord,
  type Tx,
} from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';
import {
  type EarlierUse,
  HeldElsewhere,
  type IntakeTx,
  type ReferenceOnClock,
  type StoreLimits,
} from '../../application/ports.ts';
import * as sql from './statements.ts';

const inbound = topics.commands.name;

interface LookUpRow {
  now: Instant;
  usual_wait: string;
  /** null where no key was used before. */
  place: string | null;
  digest: Buffer;
  slip_id: string;
  event_partition: number | null;
  event_seq: string;
  event_at: Instant;
}

interface LostRow {
  lost: string[] | null;
}

/**
 * The port over one transaction of libs/postgres; `encode` makes an event's outbox record. Its lock waits are limited
 * from the first look on, until the slips are in: what comes then (the sequencer) has nothing to do with the callers.
 */
export function intakeTx(
  tx: Tx,
  encode: (event: PendingEvent) => OutboundRecord,
  { lockWaitMsMax }: StoreLimits = {},
): IntakeTx {
  const limited = lockWaitMsMax !== undefined;
  const heldElsewhere = (error: unknown): never => {
    throw limited && isLockTimeout(error) ? new HeldElsewhere('held elsewhere', { cause: error }) : error;
  };
  let usualWait: string | null = null;
  return {
    async lookUp(keys) {
      const wait = limited && usualWait === null ? `${lockWaitMsMax}ms` : null;
      const rows = await tx.query<LookUpRow>(sql.lookUpSql, [...sql.keyColumns.parameters(keys), wait]);
      if (wait !== null) usualWait = rows[0]!.usual_wait;
      return { now: rows[0]!.now, answers: answersOf(keys.length, rows) };
    },
    async claimKeys(claims) {
      const rows = claims.map(({ slipId, ...claim }) => ({ ...claim, slip_id: slipId }));
      const [row] = await tx
        .query<LostRow>(sql.claimKeysSql, sql.claimColumns.parameters(rows))
        .catch(heldElsewhere);
      return without(row!, claims);
    },
    async releaseKeys(slipIds) {
      tx.send(sql.releaseKeysSql, [slipIds]);
    },
    async insertSlips(slips) {
      const rows = slips.map(({ slipId, ...slip }) => ({ ...slip, slip_id: slipId }));
      const [row] = await tx
        .query<LostRow>(sql.insertSlipsSql, [...sql.slipColumns.parameters(rows), usualWait])
        .catch(heldElsewhere);
      return without(row!, slips);
    },
    async slipsOf(references) {
      const rows = await tx.query<{ slip_id: string | null }>(sql.slipsOfSql, [
        references.map((one) => one.caller),
        references.map((one) => one.reference),
      ]);
      return rows.map((row) => row.slip_id);
    },
    refuseOnOtherClock: (references) =>
      tx.query<ReferenceOnClock>(sql.refuseOnOtherClockSql, [
        references.map((one) => one.caller),
        references.map((one) => one.reference),
        references.map((one) => one.clock),
      ]),
    closedClocks: (partition, clocks) => closedClocks(tx, inbound, partition, clocks),
    advanceClocks: (partition, marks) =>
      advanceClocks(
        tx,
        inbound,
        marks.map((mark) => ({ ...mark, partition })),
      ),
    publish: (events) => tx.publish(events.map(encode)),
  };
}

function answersOf(keys: number, rows: readonly LookUpRow[]): (EarlierUse | null)[] {
  const answers = new Array<EarlierUse | null>(keys).fill(null);
  for (const row of rows) if (row.place !== null) answers[Number(row.place) - 1] = earlierUse(row);
  return answers;
}

/** A row without a position belongs to this very transaction: nobody else can see it. */
function earlierUse(row: LookUpRow): EarlierUse | null {
  if (row.event_partition === null) return null;
  const position = { partition: row.event_partition, seq: BigInt(row.event_seq), at: row.event_at };
  return { digest: row.digest, slipId: row.slip_id, position };
}

/** The slips that are not among those that lost. */
function without({ lost }: LostRow, slips: readonly { readonly slipId: string }[]): ReadonlySet<string> {
  const ids = new Set(slips.map(({ slipId }) => slipId));
  for (const slipId of lost ?? []) ids.delete(slipId);
  return ids;
}
