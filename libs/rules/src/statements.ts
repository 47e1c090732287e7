import { isCurrency } from '@slipstream/kernel';
import { noCurrency, type Problem } from './problem.ts';
import { rulesDefaults } from './rules-defaults.ts';
import type { RulesDocument } from './rules-schema.ts';
import type { CsvDocument, StatementSourceDocument } from './statements-schema.ts';

/** How the files of one source are read and matched. */
export interface StatementSourceRules {
  readonly name: string;
  readonly provider: string;
  readonly format: StatementSourceDocument['format'];
  readonly encoding: NonNullable<StatementSourceDocument['encoding']>;
  /** A line may be booked so many days after the outcome; a slip that no statement has by then is missing. */
  readonly daysMax: number;
  /** In minor units, by currency: what amounts and fees may differ by. */
  readonly tolerances: ReadonlyMap<string, bigint>;
  /** What the bank's own codes of transactions mean; of MT940 and camt. */
  readonly codes: ReadonlyMap<string, NonNullable<CsvDocument['kinds']>[string]>;
  /** Of format `csv`, and of no other. */
  readonly csv: CsvRules | null;
}

type AmountColumns = { readonly column: string } | { readonly credit: string; readonly debit: string };

export interface CsvRules {
  readonly delimiter: string;
  readonly decimals: { readonly decimal: '.' | ','; readonly thousands: '.' | ',' | ' ' | "'" | null };
  readonly unit: 'major' | 'minor';
  readonly dateForm: NonNullable<CsvDocument['date_form']>;
  readonly amount: AmountColumns;
  readonly gross: AmountColumns | null;
  readonly currency: { readonly column: string } | { readonly value: string };
  readonly date: string;
  readonly references: readonly string[];
  readonly providerReference: string | null;
  readonly text: string | null;
  readonly balance: string | null;
  readonly order: NonNullable<CsvDocument['order']>;
  readonly kind: {
    readonly column: string;
    readonly words: ReadonlyMap<string, NonNullable<CsvDocument['kinds']>[string]>;
  } | null;
  readonly outcome: {
    readonly column: string;
    readonly words: ReadonlyMap<string, NonNullable<CsvDocument['outcomes']>[string]>;
  } | null;
  readonly balances: ReadonlyMap<string, { readonly opening: bigint; readonly closing: bigint }>;
}

export function checkStatementSource(source: StatementSourceDocument, document: RulesDocument): Problem[] {
  const { provider, format, csv, codes, tolerances = {} } = source;
  const problems: Problem[] = [];
  if (!Object.hasOwn(document.providers, provider))
    problems.push({ path: ['provider'], reason: `no provider is named ${provider}` });
  for (const currency of Object.keys(tolerances))
    if (!isCurrency(currency))
      problems.push({ path: ['tolerances', currency], reason: noCurrency, key: true });
  if (format === 'csv' && csv === undefined) problems.push({ path: [], reason: 'the format csv needs csv' });
  if (format !== 'csv' && csv !== undefined)
    problems.push({ path: ['csv'], reason: `says nothing about the format ${format}` });
  if (codes !== undefined && (format === 'csv' || format === 'ndjson'))
    problems.push({ path: ['codes'], reason: `says nothing about the format ${format}` });
  if (csv) problems.push(...checkCsv(csv).map(({ path, ...rest }) => ({ ...rest, path: ['csv', ...path] })));
  return problems;
}

function checkCsv(csv: CsvDocument): Problem[] {
  const problems: Problem[] = [];
  const exactlyOne = (what: string, given: readonly boolean[]) => {
    if (given.filter(Boolean).length !== 1) problems.push({ path: [], reason: `needs ${what}` });
  };
  const isPair = (a?: string, b?: string) => a !== undefined && b !== undefined;
  exactlyOne('amount, or credit and debit', [csv.amount !== undefined, isPair(csv.credit, csv.debit)]);
  exactlyOne('currency_column or currency', [csv.currency_column !== undefined, csv.currency !== undefined]);
  if ((csv.credit === undefined) !== (csv.debit === undefined))
    problems.push({ path: [], reason: 'credit and debit belong together' });
  if ((csv.gross_credit === undefined) !== (csv.gross_debit === undefined))
    problems.push({ path: [], reason: 'gross_credit and gross_debit belong together' });
  if (csv.gross !== undefined && csv.gross_credit !== undefined)
    problems.push({ path: ['gross'], reason: 'stands beside gross_credit' });
  if ((csv.kind === undefined) !== (csv.kinds === undefined))
    problems.push({ path: [], reason: 'kind and kinds belong together' });
  if ((csv.outcome === undefined) !== (csv.outcomes === undefined))
    problems.push({ path: [], reason: 'outcome and outcomes belong together' });
  if (csv.order !== undefined && csv.balance === undefined)
    problems.push({ path: ['order'], reason: 'needs balance: nothing else depends on it' });
  if (csv.thousands !== undefined && csv.thousands === (csv.decimal ?? rulesDefaults.csv.decimal))
    problems.push({ path: ['thousands'], reason: 'is the decimal, too' });
  const currencies = [...Object.keys(csv.balances ?? {}).map((one) => ['balances', one] as const)];
  for (const path of currencies)
    if (!isCurrency(path[1])) problems.push({ path: [...path], reason: noCurrency, key: true });
  if (csv.currency !== undefined && !isCurrency(csv.currency))
    problems.push({ path: ['currency'], reason: noCurrency });
  return problems;
}

export function statementSourceRules(name: string, document: StatementSourceDocument): StatementSourceRules {
  const from = { ...rulesDefaults.statementSource, ...document };
  return Object.freeze({
    ...{
      name,
      provider: from.provider,
      format: from.format,
      encoding: from.encoding,
      daysMax: from.days_max,
    },
    tolerances: new Map(
      Object.entries(from.tolerances ?? {}).map(([code, amount]) => [code, BigInt(amount)]),
    ),
    codes: new Map(Object.entries(from.codes ?? {})),
    csv: from.csv ? csvRules(from.csv) : null,
  });
}

function csvRules(document: CsvDocument): CsvRules {
  const from = { ...rulesDefaults.csv, ...document };
  const map = <Value>(words: Readonly<Record<string, Value>> = {}) => new Map(Object.entries(words));
  const amount = (column?: string, credit?: string, debit?: string): AmountColumns | null =>
    column === undefined ? (credit === undefined ? null : { credit, debit: debit! }) : { column };
  return Object.freeze({
    ...{ delimiter: from.delimiter, unit: from.unit, dateForm: from.date_form, date: from.date },
    decimals: { decimal: from.decimal, thousands: from.thousands ?? null },
    amount: amount(from.amount, from.credit, from.debit)!,
    gross: amount(from.gross, from.gross_credit, from.gross_debit),
    currency:
      from.currency_column === undefined ? { value: from.currency! } : { column: from.currency_column },
    references: from.references ?? [],
    ...{ providerReference: from.provider_reference ?? null, text: from.text ?? null },
    ...{ balance: from.balance ?? null, order: from.order },
    kind: from.kind === undefined ? null : { column: from.kind, words: map(from.kinds) },
    outcome: from.outcome === undefined ? null : { column: from.outcome, words: map(from.outcomes) },
    balances: new Map(
      Object.entries(from.balances ?? {}).map(([code, { opening, closing }]) => [
        code,
        { opening: BigInt(opening), closing: BigInt(closing) },
      ]),
    ),
  });
}
