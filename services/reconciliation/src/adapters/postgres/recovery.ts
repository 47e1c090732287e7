import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { joinIncidents } from './fold-ops-event.ts';

const reachedSql = `
select 1 from consumer_position
where consumer_group = $1 and topic = $2 and partition = $3 and next_offset >= $4`;

const cursorSql = 'select end_offset from relay where topic = $1 and partition = $2';

/** A stretch of a partition, and up to which of our own numbers in it is known. */
interface Stretch {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly knownSeq: number;
}

export interface RecoveryParts {
  readonly unitOfWork: UnitOfWork;
  /** Of the slips' events. */
  readonly subscription: { readonly group: string; readonly topic: string };
  /** Of our own the partition has what lies behind this number, and the database does not; null: nothing may be folded back. */
  lacks(partition: number, sharedSeq: number | null): void;
  /** Whether our own events tell there of lines that were matched, or of breaks. */
  tellsOfStatements(stretch: Stretch): Promise<boolean>;
  /** People are needed: what matched lines of statements is lost. */
  onStatements(partition: number): void;
}

/**
 * How this service goes on when its database is older than its log (ADR 102). Its consumer of the slips' events folds the log back, our own
 * events included, from the stored offset on. Where lines of statements were matched since, people are needed: their files are
 * not in the log, and a line that was matched must not be matched again.
 */
export function recovery({
  unitOfWork,
  subscription,
  lacks,
  tellsOfStatements,
  onStatements,
}: RecoveryParts) {
  const { group, topic } = subscription;
  /** What was found, by what lacks. */
  const known = new Map<string, boolean>();

  return {
    async foldBack(
      partition: number,
      { sharedSeq, endOffset }: { readonly sharedSeq: number; readonly endOffset: number },
    ): Promise<boolean> {
      const name = `${partition} ${sharedSeq} ${endOffset}`;
      if (!known.has(name)) {
        lacks(partition, null);
        const [row] = await unitOfWork.query<{ end_offset: string }>(cursorSql, [topic, partition]);
        const from = Number(row?.end_offset ?? 0);
        known.set(name, await tellsOfStatements({ partition, from, to: endOffset, knownSeq: sharedSeq }));
        if (known.get(name)) onStatements(partition);
      }
      if (known.get(name)) return false;
      lacks(partition, sharedSeq);
      return (await unitOfWork.query(reachedSql, [group, topic, partition, endOffset])).length > 0;
    },
    async folded(tx: Tx): Promise<void> {
      joinIncidents(tx);
    },
  };
}
