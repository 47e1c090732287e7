import { isUniqueViolation, type Tx, type UnitOfWork } from '@slipstream/postgres';
import type { PendingEvent, PendingOpsEvent } from '@slipstream/slip';
import type { StatementStore } from '../../application/statements/ports.ts';
import { matchTurn } from './match-turn.ts';
import { statementIntake } from './statement-intake.ts';

export interface StatementStoreParts {
  readonly unitOfWork: UnitOfWork;
  readonly subscription: { readonly group: string; readonly topic: string };
  publish(tx: Tx, events: readonly PendingEvent[]): void;
  publishOps(tx: Tx, event: PendingOpsEvent): void;
}

export function statementStore({
  unitOfWork,
  subscription,
  publish,
  publishOps,
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
    match: (work) => unitOfWork.run((tx) => work(matchTurn(tx, publish))),
  };
}
