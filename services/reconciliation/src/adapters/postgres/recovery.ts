import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { joinIncidents } from './fold-ops-event.ts';

const reachedSql = `
select 1 from consumer_position
where consumer_group = $1 and topic = $2 and partition = $3 and next_offset >= $4`;

export interface RecoveryParts {
  readonly unitOfWork: UnitOfWork;
  /** Of the slips' events. */
  readonly subscription: { readonly group: string; readonly topic: string };
  /** Of our own the partition has what lies behind this number, and the database does not. */
  lacks(partition: number, sharedSeq: number): void;
}

/**
 * How this service goes on when its database is older than its log (ADR 102): its consumer of the slips' events folds the log back, our own
 * events included, from the stored offset on.
 */
export function recovery({ unitOfWork, subscription, lacks }: RecoveryParts) {
  const { group, topic } = subscription;

  return {
    async foldBack(
      partition: number,
      { sharedSeq, endOffset }: { readonly sharedSeq: number; readonly endOffset: number },
    ): Promise<boolean> {
      lacks(partition, sharedSeq);
      return (await unitOfWork.query(reachedSql, [group, topic, partition, endOffset])).length > 0;
    },
    async folded(tx: Tx): Promise<void> {
      joinIncidents(tx);
    },
  };
}
