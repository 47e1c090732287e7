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
  digest: Buffer | null;
  slip_id: string;
  event_partition: number | null;
  event_seq: string;
  event_at: Instant;
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
      const columns = [keys.map((k) => k.caller), keys.map((k) => k.operation), keys.map((k) => k.key), wait];
      const rows = await tx.query<LookUpRow>(sql.lookUpSql, columns);
      if (wait !== null) usualWait = rows[0]!.usual_wait;
      return { now: rows[0]!.now, answers: rows.map(earlierUse) };
    },
    async claimKeys(claims) {
      const rows = await tx
        .query<{ slip_id: string }>(sql.claimKeysSql, [
          claims.map((claim) => claim.caller),
          claims.map((claim) => claim.operation),
          claims.map((claim) => claim.key),
          claims.map((claim) => claim.digest),
          claims.map((claim) => claim.slipId),
        ])
        .catch(heldElsewhere);
      return new Set(rows.map((row) => row.slip_id));
    },
    async releaseKeys(slipIds) {
      await tx.query(sql.releaseKeysSql, [slipIds]);
    },
    async insertSlips(slips) {
      const inserting = tx.query<{ slip_ids: string[] | null }>(sql.insertSlipsSql, [
        slips.map((slip) => slip.slipId),
        slips.map((slip) => slip.caller),
        slips.map((slip) => slip.reference),
        slips.map((slip) => slip.clock),
        slips.map((slip) => slip.digest),
        slips.map((slip) => slip.status),
        usualWait,
      ]);
      const [row] = await inserting.catch(heldElsewhere);
      return new Set(row!.slip_ids);
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

/** A row without a position belongs to this very transaction: nobody else can see it. */
function earlierUse(row: LookUpRow): EarlierUse | null {
  if (row.digest === null || row.event_partition === null) return null;
  const position = { partition: row.event_partition, seq: BigInt(row.event_seq), at: row.event_at };
  return { digest: row.digest, slipId: row.slip_id, position };
}
