import type { UnitOfWork } from './unit-of-work.ts';

/** What the cursors of the service's lists are sealed with; its migrations have run. */
export async function readCursorKey(unitOfWork: UnitOfWork): Promise<Buffer> {
  const [row] = await unitOfWork.query<{ key: Buffer }>('select key from cursor_key');
  if (row === undefined) throw new Error('the table cursor_key has no row');
  return row.key;
}
