import type { Tx } from '@slipstream/postgres';

/**
 * From here on the transaction reads an index in its order, and stops where it has enough. Without this PostgreSQL gathers and sorts what it
 * takes for a few rows: of a busy account, all that it ever had.
 */
export function readInIndexOrder(tx: Pick<Tx, 'send'>): void {
  tx.send('set local enable_bitmapscan = off', []);
}
