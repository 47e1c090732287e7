import type { Tx } from '@slipstream/postgres';
import type { FoldedSlip } from '../../../domain/rebuild/fold-slip.ts';

/** Something that a live row says otherwise than the log. */
export interface Difference {
  /** Of the row, as people look it up. */
  readonly row: string;
  readonly field: string;
  /** null: there is nothing. */
  readonly live: string | null;
  readonly rebuilt: string | null;
}

/** Slips whose logs were folded, in one snapshot of the database. */
export interface FoldedPage {
  readonly ids: readonly string[];
  /** null: nothing of it is in the log. */
  slip(id: string): FoldedSlip | null;
}

export interface Hashes {
  readonly sha256: (bytes: Uint8Array, before?: string) => string;
  readonly transactionId: (eventId: string) => string;
}

/** What the ledger keeps beside its log, and could make anew from it. `schema` is where the shadow is built. */
export interface Projection {
  readonly name: string;
  readonly what: string;
  /** The tables of the shadow; each has a column `slip_id`. */
  readonly tables: readonly { readonly name: string; readonly columns: string }[];
  /** Which version of each slip the live rows tell, so that the fold can tell the same; 0: the last. */
  versions(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Writes what a page of slips comes to into the shadow, which has nothing of these slips. */
  build(tx: Tx, schema: string, page: FoldedPage): Promise<void>;
  /** Compares the shadow with what is live; both are of this snapshot. */
  differences(tx: Tx, schema: string): Promise<readonly Difference[]>;
  /**
   * Puts the live rows right. The partitions are locked: nobody books meanwhile. `refold` folds slips as they are now.
   * Whoever remembers rows forgets them.
   */
  swap(tx: Tx, schema: string, refold: (ids: readonly string[]) => Promise<FoldedPage>): Promise<void>;
}

/** Rows of differences as projections that compare slip by slip keep them in their shadow. */
export const differenceTable = {
  name: 'difference',
  columns: 'slip_id text collate "C", row_name text, field text, live text, rebuilt text',
};

export async function writeDifferences(
  tx: Tx,
  schema: string,
  found: readonly (Difference & { readonly slipId: string })[],
): Promise<void> {
  if (found.length === 0) return;
  await tx.query(
    `insert into ${schema}.difference (slip_id, row_name, field, live, rebuilt)
      select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])`,
    [
      found.map(({ slipId }) => slipId),
      found.map(({ row }) => row),
      found.map(({ field }) => field),
      found.map(({ live }) => live),
      found.map(({ rebuilt }) => rebuilt),
    ],
  );
}

export async function readDifferences(tx: Pick<Tx, 'query'>, schema: string): Promise<Difference[]> {
  return tx.query<Difference>(
    `select row_name as "row", field, live, rebuilt from ${schema}.difference order by row_name, field`,
  );
}

export async function differingSlips(tx: Pick<Tx, 'query'>, schema: string): Promise<string[]> {
  const rows = await tx.query<{ slip_id: string }>(
    `select distinct slip_id from ${schema}.difference order by slip_id`,
  );
  return rows.map(({ slip_id }) => slip_id);
}
