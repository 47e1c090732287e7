import { classifyDatabaseError, isUniqueViolation, type Tx, type UnitOfWork } from '@slipstream/postgres';
import type { PendingEvent, PendingOpsEvent } from '@slipstream/slip';
import type { StatementStore } from '../../application/statements/ports.ts';
import { matchTurn } from './match-turn.ts';
import { statementIntake } from './statement-intake.ts';
import { settleTold } from './told-lines.ts';

export interface StatementStoreParts {
  readonly unitOfWork: UnitOfWork;
  readonly subscription: { readonly group: string; readonly topic: string };
  publish(tx: Tx, events: readonly PendingEvent[]): void;
  publishOps(tx: Tx, event: PendingOpsEvent): void;
  /** A statement cannot be matched. */
  onPutOff(error: unknown): void;
}

const problemLengthMax = 500;

/** Ten seconds, and twice as long each time, up to an hour. */
const putOffSql = `
update statement set tries = tries + 1, problem = $2,
  due_at = clock_timestamp() + least(interval '1 hour', interval '10 s' * power(2, least(tries, 12)))
 where id = $1`;

export function statementStore({
  unitOfWork,
  subscription,
  publish,
  publishOps,
  onPutOff,
}: StatementStoreParts): StatementStore {
  const accept: StatementStore['accept'] = (work) =>
    unitOfWork.run((tx) => work(statementIntake(tx, subscription, publishOps)));
  return {
    async accept(work) {
      try {
        return await accept(work);
      } catch (error) {
        // The same file came twice at once: the other one is the statement.
        if (isUniqueViolation(error)) return accept(work);
        throw error;
      }
    },
    match: (work) =>
      unitOfWork.run(async (tx) => {
        await settleTold(tx);
        return work(matchTurn(tx, publish, publishOps));
      }),
    async putOff({ id }, error) {
      const failure = classifyDatabaseError(error);
      // Not the statement's: nothing else goes well either.
      if (failure === 'transient' || failure === 'setup') throw error;
      const problem = error instanceof Error ? error.message : String(error);
      await unitOfWork.query(putOffSql, [id, problem.replaceAll('\0', '').slice(0, problemLengthMax)]);
      onPutOff(error);
    },
  };
}
