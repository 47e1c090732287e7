import type { Outcome } from '@slipstream/slip';
import type { Decimals } from './amount.ts';
import type { DateForm } from './day.ts';
import type { LineKind } from './statement.ts';

/** Where an amount stands: one column with a sign, or one for what came in and one for what went out. */
export type AmountColumns = { readonly column: string } | { readonly credit: string; readonly debit: string };

/** How a provider's CSV is read; the rules file says it (`statements.<source>.csv`). */
export interface CsvMapping {
  readonly delimiter: string;
  readonly decimals: Decimals;
  readonly unit: 'major' | 'minor';
  readonly dateForm: DateForm;
  /** What the balance changes by. */
  readonly amount: AmountColumns;
  /** Before the provider took its fee; null: the same. */
  readonly gross: AmountColumns | null;
  readonly currency: { readonly column: string } | { readonly value: string };
  readonly date: string;
  /** Of our references, in the order in which they are tried. */
  readonly references: readonly string[];
  readonly providerReference: string | null;
  readonly text: string | null;
  /** The balance behind each row, by currency. */
  readonly balance: string | null;
  /** Of the rows, which their balances follow. */
  readonly order: 'oldest_first' | 'newest_first';
  /** What rows are, by a word of theirs; null: all are payments, or returns where the status says so. */
  readonly kind: { readonly column: string; readonly words: ReadonlyMap<string, LineKind> } | null;
  readonly outcome: { readonly column: string; readonly words: ReadonlyMap<string, Outcome> } | null;
  /** What every file begins and ends with, by currency; empty: it says nothing of the kind. */
  readonly balances: ReadonlyMap<string, { readonly opening: bigint; readonly closing: bigint }>;
}
