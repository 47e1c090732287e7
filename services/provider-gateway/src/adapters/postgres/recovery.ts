import type { Tx, UnitOfWork } from '@slipstream/postgres';

const reachedSql = `
select 1 from consumer_position
where consumer_group = $1 and topic = $2 and partition = $3 and next_offset >= $4`;

// What is parked was not folded: nobody knows whether it left, so nothing of it is sent by itself any more.
const keepParkedSql = `
update dispatch d set next_at = null
from parked_key k
where k.consumer_group = $1 and k.topic = $2 and k.partition = $3
  and d.slip_id = k.key and d.status in ('held', 'unanswered') and d.next_at is not null`;

/**
 * How this service goes on when its database is older than its log. Its consumer of the slips' events folds the log
 * back, its own events included, from the stored offset on: whatever of its own is unknown here was sent after that
 * offset was stored, so it lies behind it.
 */
export function recovery(unitOfWork: UnitOfWork, events: { readonly group: string; readonly topic: string }) {
  const { group, topic } = events;
  return {
    async foldBack(partition: number, { endOffset }: { readonly endOffset: number }): Promise<boolean> {
      return (await unitOfWork.query(reachedSql, [group, topic, partition, endOffset])).length > 0;
    },
    async folded(tx: Tx, partition: number): Promise<void> {
      await tx.query(keepParkedSql, [group, topic, partition]);
    },
  };
}
