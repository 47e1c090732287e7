import { csvCell } from '@slipstream/kernel';

/** What an export needs of a transaction. */
interface TransactionView {
  readonly id: string;
  readonly slip_id: string;
  readonly type: string;
  readonly clock: string;
  readonly event_id: string | null;
  readonly recorded_at: string;
  readonly postings: readonly {
    readonly account: string;
    readonly direction: 'debit' | 'credit';
    readonly amount: { readonly amount: string; readonly currency: string };
  }[];
}

export const postingsHeader =
  'transaction_id,slip_id,type,clock,event_id,recorded_at,account,direction,amount,currency\r\n';

/** The postings of transactions (a line of JSON each), a line each. */
export function postingLines(transactions: string, format: 'csv' | 'ndjson'): string {
  const lines = transactions.split('\n').filter((line) => line !== '');
  return lines.map((line) => linesOf(JSON.parse(line) as TransactionView, format)).join('');
}

function linesOf({ id, postings, ...of }: TransactionView, format: 'csv' | 'ndjson'): string {
  return postings
    .map(({ account, direction, amount: { amount, currency } }) => {
      const { slip_id, type, clock, event_id, recorded_at } = of;
      const row = {
        ...{ transaction_id: id, slip_id, type, clock, event_id, recorded_at },
        ...{ account, direction, amount, currency },
      };
      if (format === 'ndjson') return `${JSON.stringify(row)}\n`;
      return `${Object.values(row)
        .map((value) => csvCell(value ?? ''))
        .join(',')}\r\n`;
    })
    .join('');
}
