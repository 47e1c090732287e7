import { topics } from '@slipstream/contracts';
import { advanceClocks, closedClocks, type OutboundRecord, type Tx } from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';
import type { IntakeTx, ReferenceOnClock } from '../../application/ports.ts';
import { writeReview } from './review-rows.ts';
import * as sql from './statements.ts';

const inbound = topics.commands.name;

/** The port over one transaction of libs/postgres; `encode` makes an event's outbox record. */
export function intakeTx(tx: Tx, encode: (event: PendingEvent) => OutboundRecord): IntakeTx {
  return {
    async insertSlips(slips) {
      const rows = slips.map(({ slipId, ...slip }) => ({
        ...slip,
        slip_id: slipId,
        // Of one in review a second event is said at once.
        version: slip.status === 'in_review' ? 2 : 1,
      }));
      const [row] = await tx.query<{ lost: string[] | null }>(
        sql.insertSlipsSql,
        sql.slipColumns.parameters(rows),
      );
      const ids = new Set(slips.map(({ slipId }) => slipId));
      for (const slipId of row!.lost ?? []) ids.delete(slipId);
      return ids;
    },
    insertReviews: (reviews) =>
      tx.send(
        sql.insertReviewsSql,
        sql.reviewRows.parameters(reviews.map((review) => ({ review: writeReview(review) }))),
      ),
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
