import { createDatabase } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { ledgerQueries } from '../../services/ledger/src/adapters/postgres/ledger-queries.ts';
import { booksOn, noWaits } from '../../services/ledger/test/books.ts';
import { fillBooks } from '../../services/ledger/test/full-books.ts';
import { type Paged, pageUnderWrites, pagingWays } from '../../services/ledger/test/paging.ts';
import { withServers } from '../benchmarks/core.ts';

export interface PagingDrill {
  readonly slips: number;
  readonly seed: number;
}

export interface PagingDrilled extends PagingDrill {
  /** Events that were taken into the books meanwhile. */
  readonly written: number;
  readonly paged: readonly (Omit<Paged, 'pageMs'> & {
    readonly pages: number;
    readonly page_ms: { readonly p50: number; readonly p99: number; readonly max: number };
  })[];
  readonly ok: boolean;
}

const rememberedBytesMax = 24 * 1024 * 1024;

/** Pages through all slips of full books while others come and change: each that was known at the first page is there, once. */
export async function drillPaging(drill: PagingDrill, log: (line: string) => void): Promise<PagingDrilled> {
  let drilled: PagingDrilled | undefined;
  await withServers(1, async ({ databaseUrl }) => {
    const books = await booksOn(await createDatabase(databaseUrl, 'paging'), rememberedBytesMax);
    try {
      log(`  ${drill.slips} slips are written`);
      await fillBooks(books.unitOfWork, drill.slips);
      const queries = ledgerQueries(books.unitOfWork, noWaits);
      const random = seededRandom(drill.seed);
      log('  they are paged through, while others come and change');
      const { paged, written } = await pageUnderWrites(
        { books, queries, slips: drill.slips, random },
        pagingWays,
      );
      const ok = paged.every(
        ({ known, shown, twice, missing, unknown }) =>
          known > 0 && shown === known && twice + missing + unknown === 0,
      );
      drilled = { ...drill, written, paged: paged.map(summed), ok: ok && written > 0 };
    } finally {
      await books.close();
    }
  });
  return drilled!;
}

function summed({ pageMs, ...counts }: Paged): PagingDrilled['paged'][number] {
  const sorted = pageMs.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! * 10) / 10;
  return { ...counts, pages: sorted.length, page_ms: { p50: at(0.5), p99: at(0.99), max: at(1) } };
}
