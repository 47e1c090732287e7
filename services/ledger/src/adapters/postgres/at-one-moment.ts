import type { Tx, UnitOfWork } from '@slipstream/postgres';

/** All that is read is of one moment: the log may be ahead of the rows, and both go on meanwhile. */
export function atOneMoment<T>(unitOfWork: UnitOfWork, read: (tx: Tx) => Promise<T>): Promise<T> {
  return unitOfWork.run(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    return read(tx);
  });
}
