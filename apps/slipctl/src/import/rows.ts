import {
  addMs,
  type Instant,
  isCurrency,
  type MoneyJson,
  moneyToJson,
  parseMajorUnits,
  parseMoney,
} from '@slipstream/kernel';
import { isKind, type Kind, kinds, type Mapping, type Outcome, type ValueSource } from './mapping.ts';
import { cellNameProblem } from './names.ts';

/** What the provider said and when, as one column of the row has it. */
export type Report = { readonly column: string; readonly at: Instant } & (
  | { readonly step: 'acknowledged' }
  | { readonly step: 'progressed'; readonly name: string }
  | { readonly step: 'returned'; readonly outcome: Outcome }
);

/** One row, understood. Plain JSON: it is stored while rows are sorted. */
export interface Row {
  readonly line: number;
  readonly reference: string;
  readonly account: string;
  readonly counterparty: string;
  readonly kind: Kind;
  readonly route: string;
  readonly amount: MoneyJson | null;
  readonly submittedAt: Instant;
  readonly deadline: Instant;
  /** At most one is `returned`: the earliest decides. */
  readonly reports: readonly Report[];
}

/** Gives the row, or everything that is wrong with it in one text. */
export type RowReader = (
  fields: readonly string[],
  line: number,
) => { readonly row: Row } | { readonly problem: string };

/** @throws CliError (usage) with the place in the mapping of every column that the header lacks or has twice */
export function rowReader(mapping: Mapping, header: readonly string[]): RowReader {
  const wrong = mapping.columns.flatMap(({ name, path }) => {
    const times = header.filter((column) => column === name).length;
    if (times === 1) return [];
    const found =
      times > 1 ? `is in the header ${times} times` : `is not in the header: ${header.join(', ')}`;
    return [{ path, detail: `column ${name} ${found}` }];
  });
  if (wrong.length > 0) throw mapping.refuse(wrong);
  return (fields, line) => readRow(mapping, new Cells(header, fields), line);
}

/** Columns of the file that the mapping does not read. */
export function unmappedColumns(mapping: Mapping, header: readonly string[]): string[] {
  const mapped = new Set(mapping.columns.map(({ name }) => name));
  return header.filter((column) => !mapped.has(column));
}

/** Reads cells by column and collects what is wrong with them. */
class Cells {
  readonly problems: string[] = [];
  readonly #header: readonly string[];
  readonly #fields: readonly string[];

  constructor(header: readonly string[], fields: readonly string[]) {
    this.#header = header;
    this.#fields = fields;
  }

  text(source: ValueSource): string {
    return 'value' in source ? source.value : this.#fields[this.#header.indexOf(source.column)]!;
  }

  name(source: ValueSource): string {
    const value = this.text(source);
    const problem = cellNameProblem(value);
    if (problem !== null && 'column' in source) this.problems.push(`${source.column} ${problem}`);
    return value;
  }

  /** null: the cell is empty, or wrong and reported. */
  time(column: string, mapping: Mapping): Instant | null {
    const text = this.text({ column }).trim();
    if (text === '') return null;
    const time = mapping.parseTime(text);
    if ('at' in time) return time.at;
    this.problems.push(`${column}: ${time.problem}`);
    return null;
  }

  requiredTime(column: string, mapping: Mapping): Instant {
    const before = this.problems.length;
    const time = this.time(column, mapping);
    if (time === null && this.problems.length === before) this.problems.push(`${column} is missing`);
    return time ?? '';
  }
}

function readRow(mapping: Mapping, cells: Cells, line: number): ReturnType<RowReader> {
  const reference = cells.name({ column: mapping.reference });
  const account = cells.name(mapping.account);
  const counterparty = cells.name(mapping.counterparty);
  if (account !== '' && account === counterparty)
    cells.problems.push('account and counterparty are the same');
  const kind = cells.text(mapping.kind);
  if (!isKind(kind)) cells.problems.push(`kind must be one of ${kinds.join(', ')}`);
  const route = cells.name(mapping.route);
  const amount = readAmount(mapping, cells);
  const submittedAt = cells.requiredTime(mapping.submitted, mapping);
  const reports = readReports(mapping, cells);
  const deadline = readDeadline(mapping, cells, submittedAt);
  if (cells.problems.length > 0) return { problem: cells.problems.join('; ') };
  const named = { line, reference, account, counterparty, kind: kind as Kind, route };
  return { row: { ...named, amount, submittedAt, deadline, reports } };
}

function readDeadline(mapping: Mapping, cells: Cells, submittedAt: Instant): Instant {
  if ('column' in mapping.deadline) return cells.requiredTime(mapping.deadline.column, mapping);
  if (submittedAt === '') return '';
  try {
    return addMs(submittedAt, mapping.deadline.afterMs);
  } catch {
    cells.problems.push('the deadline lies beyond the year 9999');
    return '';
  }
}

function readAmount({ amount }: Mapping, cells: Cells): MoneyJson | null {
  if (!amount) return null;
  const text = cells.text({ column: amount.column }).trim();
  if (text === '') return null;
  const currency = cells.text(amount.currency).trim();
  if (!isCurrency(currency)) {
    cells.problems.push(`${JSON.stringify(currency)} is no ISO 4217 code of a currency in use`);
    return null;
  }
  const money = amount.unit === 'minor' ? parseMoney(text, currency) : parseMajorUnits(text, currency);
  if (money.ok) return moneyToJson(money.value);
  cells.problems.push(`${amount.column}: ${JSON.stringify(text)} ${moneySayings[money.error]}`);
  return null;
}

const moneySayings = {
  amount_not_integer: 'is no amount in this unit of the currency',
  amount_not_positive: 'is not above zero',
  amount_too_large: 'is too large',
  currency_unknown: 'has an unknown currency',
} as const;

function readReports(mapping: Mapping, cells: Cells): Report[] {
  const reports: Report[] = [];
  if (mapping.acknowledged !== null) {
    const at = cells.time(mapping.acknowledged, mapping);
    if (at !== null) reports.push({ column: mapping.acknowledged, at, step: 'acknowledged' });
  }
  for (const { column, name } of mapping.progress) {
    const at = cells.time(column, mapping);
    if (at !== null) reports.push({ column, at, step: 'progressed', name });
  }
  let first: Report | null = null;
  for (const { column, outcome } of mapping.returned) {
    const at = cells.time(column, mapping);
    // Later answers would deny the first one, and the first one decides.
    if (at !== null && (first === null || at < first.at)) first = { column, at, step: 'returned', outcome };
  }
  return first === null ? reports : [...reports, first];
}
