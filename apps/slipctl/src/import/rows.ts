import { addMs, type Instant, isCurrency, type MoneyJson } from '@slipstream/kernel';
import { readFee, readMoney } from './amounts.ts';
import { Cells } from './cells.ts';
import type { Mapping, WideLayout } from './mapping.ts';
import { isKind, type Kind, kinds, type Outcome } from './mapping-content.ts';

/** What the provider said and when; `column` tells it from others of its step. */
export type Report = { readonly column: string; readonly at: Instant } & (
  | { readonly step: 'acknowledged' }
  | { readonly step: 'progressed'; readonly name: string }
  | { readonly step: 'returned'; readonly outcome: Outcome }
);

/** What the file says of one slip, understood. Plain JSON: it is stored while rows are sorted. */
export interface Row {
  readonly line: number;
  readonly reference: string;
  readonly account: string;
  readonly counterparty: string;
  readonly kind: Kind;
  readonly route: string;
  readonly amount: MoneyJson | null;
  /** The file has an amount of zero or less: the slip is imported without money. */
  readonly notPositive: boolean;
  /** In minor units; null: the file says none. */
  readonly fee: string | null;
  readonly submittedAt: Instant;
  readonly deadline: Instant;
  /** At most one is `returned`: the earliest decides. */
  readonly reports: readonly Report[];
}

/** Gives the row, or everything that is wrong with it in one text; `reference` is empty where there is none, null where that is wrong, too. */
export type RowReader = (
  fields: readonly string[],
  line: number,
) => { readonly row: Row } | { readonly problem: string; readonly reference: string | null };

/** @throws CliError (usage) with the place in the mapping of every column that the header lacks or has twice */
export function requireColumns(mapping: Mapping, header: readonly string[]): void {
  const wrong = mapping.columns.flatMap(({ name, path }) => {
    const times = header.filter((column) => column === name).length;
    if (times === 1) return [];
    const found =
      times > 1 ? `is in the header ${times} times` : `is not in the header: ${header.join(', ')}`;
    return [{ path, detail: `column ${name} ${found}` }];
  });
  if (wrong.length > 0) throw mapping.refuse(wrong);
}

/** Reads a file with a row per slip. @throws as {@link requireColumns} */
export function rowReader(mapping: Mapping, layout: WideLayout, header: readonly string[]): RowReader {
  requireColumns(mapping, header);
  const places = new Map(header.map((column, index) => [column, index]));
  return (fields, line) => {
    const cells = new Cells(mapping, (column) => fields[places.get(column)!]!);
    const reference = readReference(mapping, cells);
    const submittedAt = cells.requiredTime(layout.submitted);
    const reports = readReports(layout, cells);
    const slip = readSlip(mapping, cells, submittedAt);
    if (cells.problems.length > 0 || reference === null)
      return { problem: cells.problems.join('; '), reference };
    return { row: { line, reference, ...slip, submittedAt, reports } };
  };
}

/** Empty: the record speaks of no slip; null: of one whose reference cannot be used. Both are problems. */
export function readReference({ reference: column }: Mapping, cells: Cells): string | null {
  const before = cells.problems.length;
  const reference = cells.name({ column });
  if (cells.problems.length === before) return reference;
  return reference.trim() === '' ? '' : null;
}

/** Columns of the file that the mapping does not read. */
export function unmappedColumns(mapping: Mapping, header: readonly string[]): string[] {
  const mapped = new Set(mapping.columns.map(({ name }) => name));
  return header.filter((column) => !mapped.has(column));
}

/** What holds of a slip at all times. */
export type SlipCells = Pick<
  Row,
  'account' | 'counterparty' | 'kind' | 'route' | 'amount' | 'notPositive' | 'fee' | 'deadline'
>;

export function readSlip(mapping: Mapping, cells: Cells, submittedAt: Instant): SlipCells {
  const account = cells.account(mapping.account);
  const counterparty = cells.account(mapping.counterparty);
  if (account !== '' && account === counterparty)
    cells.problems.push('account and counterparty are the same');
  const kind = cells.text(mapping.kind);
  if (!isKind(kind)) cells.problems.push(`kind must be one of ${kinds.join(', ')}`);
  const route = cells.name(mapping.route);
  const money = readAmount(mapping, cells);
  const deadline = readDeadline(mapping, cells, submittedAt);
  return { account, counterparty, kind: kind as Kind, route, ...money, deadline };
}

function readDeadline(mapping: Mapping, cells: Cells, submittedAt: Instant): Instant {
  if ('columns' in mapping.deadline) return cells.requiredEnd(mapping.deadline);
  if (submittedAt === '') return '';
  try {
    return addMs(submittedAt, mapping.deadline.afterMs);
  } catch {
    cells.problems.push('the deadline lies beyond the year 9999');
    return '';
  }
}

type SlipMoney = Pick<Row, 'amount' | 'notPositive' | 'fee'>;

function readAmount({ amount: mapped, dialect }: Mapping, cells: Cells): SlipMoney {
  const none: SlipMoney = { amount: null, notPositive: false, fee: null };
  if (!mapped) return none;
  const text = cells.text({ column: mapped.column }).trim();
  const fee = mapped.fee === null ? '' : cells.text({ column: mapped.fee }).trim();
  if (text === '' && fee === '') return none;
  const currency = cells.text(mapped.currency).trim();
  if (!isCurrency(currency)) {
    cells.problems.push(`${JSON.stringify(currency)} is no ISO 4217 code of a currency in use`);
    return none;
  }
  const of = { unit: mapped.unit, currency };
  const wrong = (column: string | null, cell: string, problem: string) =>
    cells.problems.push(`${column}: ${JSON.stringify(cell)} ${problem}`);
  const foundFee = fee === '' ? { fee: null } : readFee(fee, of, dialect);
  if ('problem' in foundFee) wrong(mapped.fee, fee, foundFee.problem);
  const money = { ...none, fee: 'fee' in foundFee ? foundFee.fee : null };
  if (text === '') return money;
  const found = readMoney(text, of, dialect);
  if ('problem' in found) wrong(mapped.column, text, found.problem);
  if ('notPositive' in found) return { ...money, notPositive: true };
  return 'amount' in found ? { ...money, amount: found.amount } : money;
}

function readReports(layout: WideLayout, cells: Cells): Report[] {
  const reports: Report[] = [];
  if (layout.acknowledged !== null) {
    const at = cells.time(layout.acknowledged);
    const column = layout.acknowledged.columns.join(' ');
    if (at !== null) reports.push({ column, at, step: 'acknowledged' });
  }
  for (const progress of layout.progress) {
    const at = cells.time(progress);
    const column = progress.columns.join(' ');
    if (at !== null) reports.push({ column, at, step: 'progressed', name: progress.name });
  }
  let first: Report | null = null;
  for (const returned of layout.returned) {
    const at = cells.time(returned);
    const column = returned.columns.join(' ');
    // Later answers would deny the first one, and the first one decides.
    if (at !== null && (first === null || at < first.at))
      first = { column, at, step: 'returned', outcome: returned.outcome };
  }
  return first === null ? reports : [...reports, first];
}
