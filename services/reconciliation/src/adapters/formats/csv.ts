import { Readable } from 'node:stream';
import { isCurrency, shownAmount } from '@slipstream/kernel';
import { CsvError, type Info, parse } from 'csv-parse';
import { signedInteger, signedMinorUnits } from '../../domain/statement/amount.ts';
import type { AmountColumns, CsvMapping } from '../../domain/statement/csv-mapping.ts';
import { readDay } from '../../domain/statement/day.ts';
import {
  type StatementLine,
  type StatementPart,
  StatementRefused,
} from '../../domain/statement/statement.ts';

interface Row {
  readonly record: readonly string[];
  readonly info: Info;
}

/** One statement: a row is a movement (RFC 4180 with the mapping's delimiter). @throws StatementRefused */
export async function* readCsv(
  chunks: Iterable<string>,
  mapping: CsvMapping,
  name: string,
): AsyncGenerator<StatementPart> {
  const rows = parse({
    delimiter: mapping.delimiter,
    info: true,
    record_delimiter: '\n',
    skip_empty_lines: true,
    max_record_size: 256 * 1024,
  });
  const source = Readable.from(chunks);
  source.on('error', (error) => rows.destroy(error));
  source.pipe(rows);
  const backwards = new Backwards();
  let columns: ReadonlyMap<string, number> | null = null;
  let last = 1;
  try {
    for await (const { record, info } of rows as AsyncIterable<Row>) {
      const line = info.lines - record.reduce((all, field) => all + field.split('\n').length - 1, 0);
      last = info.lines;
      if (columns === null) {
        columns = columnsOf(record, mapping, line);
        yield { part: 'opened', line, name, account: '' };
        for (const [currency, { opening }] of mapping.balances)
          yield { part: 'balance', line, which: 'opening', amount: opening, currency };
        continue;
      }
      const row = new Fields(record, columns, line);
      const movement = toLine(row, mapping);
      yield { part: 'line', movement };
      if (mapping.balance === null) continue;
      const { currency } = movement;
      const amount = amountOf(row, { column: mapping.balance }, currency, mapping);
      if (mapping.order === 'oldest_first')
        yield { part: 'balance', line, which: 'running', amount, currency };
      else yield* backwards.add(amount, movement);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new StatementRefused(Number(error.lines ?? last), `it is no CSV: ${error.message}`);
  } finally {
    source.destroy();
    rows.destroy();
  }
  if (columns === null) throw new StatementRefused(1, 'the file is empty');
  yield* backwards.end(last);
  for (const [currency, { closing }] of mapping.balances)
    yield { part: 'balance', line: last, which: 'closing', amount: closing, currency };
  yield { part: 'closed', line: last };
}

/** Balances behind rows whose newest comes first: the first one is what it closes with, and each row leads back to the next one. */
class Backwards {
  readonly #before = new Map<string, bigint>();

  /** @throws StatementRefused where a row's balance is not what the newer one began with */
  *add(balance: bigint, { line, amount, currency }: StatementLine): Generator<StatementPart> {
    const expected = this.#before.get(currency);
    if (expected === undefined) yield { part: 'balance', line, which: 'closing', amount: balance, currency };
    else if (expected !== balance) {
      const [is, was] = [shownAmount(balance, currency), shownAmount(expected, currency)];
      throw new StatementRefused(
        line,
        `the balance behind this line is ${is}, but the newer one begins with ${was}`,
      );
    }
    this.#before.set(currency, balance - amount);
  }

  *end(line: number): Generator<StatementPart> {
    for (const [currency, amount] of this.#before)
      yield { part: 'balance', line, which: 'opening', amount, currency };
  }
}

class Fields {
  readonly line: number;
  readonly #record: readonly string[];
  readonly #columns: ReadonlyMap<string, number>;

  constructor(record: readonly string[], columns: ReadonlyMap<string, number>, line: number) {
    this.#record = record;
    this.#columns = columns;
    this.line = line;
  }

  get(column: string): string {
    return this.#record[this.#columns.get(column)!]!.trim();
  }
}

function columnsOf(
  header: readonly string[],
  mapping: CsvMapping,
  line: number,
): ReadonlyMap<string, number> {
  const columns = new Map(header.map((column, at) => [column.trim(), at]));
  const twice = header.find((column, at) => columns.get(column.trim()) !== at);
  if (twice !== undefined) throw new StatementRefused(line, `the column ${twice} stands there twice`);
  const missing = columnsNamed(mapping).filter((column) => !columns.has(column));
  if (missing.length > 0) throw new StatementRefused(line, `the header has no column ${missing.join(', ')}`);
  return columns;
}

function columnsNamed(mapping: CsvMapping): readonly string[] {
  const ofAmount = (amount: AmountColumns | null) =>
    amount === null ? [] : (Object.values(amount) as string[]);
  const { date, references, providerReference, text, balance, kind, outcome, currency } = mapping;
  return [
    ...ofAmount(mapping.amount),
    ...ofAmount(mapping.gross),
    ...('column' in currency ? [currency.column] : []),
    ...[date, ...references, providerReference, text, balance, kind?.column, outcome?.column],
  ].filter((column) => column !== null && column !== undefined);
}

function toLine(row: Fields, mapping: CsvMapping): StatementLine {
  const currency = 'column' in mapping.currency ? row.get(mapping.currency.column) : mapping.currency.value;
  if (!isCurrency(currency)) throw new StatementRefused(row.line, `${currency || 'nothing'} is no currency`);
  const amount = amountOf(row, mapping.amount, currency, mapping);
  const bookedOn = readDay(row.get(mapping.date), mapping.dateForm);
  if (bookedOn === null)
    throw new StatementRefused(row.line, `${row.get(mapping.date)} is no day written ${mapping.dateForm}`);
  const kind = wordOf(row, mapping.kind) ?? 'payment';
  // Of what is no slip nothing stands before a fee.
  const isOfSlip = kind === 'payment' || kind === 'return';
  const gross = mapping.gross && isOfSlip ? amountOf(row, mapping.gross, currency, mapping) : amount;
  const filled = (column: string | null) => (column === null ? '' : row.get(column));
  return {
    ...{ line: row.line, kind, amount, gross, currency, bookedOn },
    references: [...new Set(mapping.references.map(filled))].filter((text) => text !== ''),
    providerReference: filled(mapping.providerReference) || null,
    outcome: wordOf(row, mapping.outcome),
    reason: null,
    text: filled(mapping.text),
  };
}

/** A word that nobody has declared is not guessed at. */
function wordOf<Meaning>(
  row: Fields,
  told: { readonly column: string; readonly words: ReadonlyMap<string, Meaning> } | null,
): Meaning | null {
  if (told === null) return null;
  const word = row.get(told.column);
  const meaning = told.words.get(word);
  if (meaning !== undefined) return meaning;
  throw new StatementRefused(
    row.line,
    `${told.column} is ${word || 'empty'}, which the source does not declare`,
  );
}

function amountOf(row: Fields, columns: AmountColumns, currency: string, mapping: CsvMapping): bigint {
  const read = (column: string) => {
    const text = row.get(column);
    const amount =
      mapping.unit === 'minor' ? signedInteger(text) : signedMinorUnits(text, currency, mapping.decimals);
    if (amount === null)
      throw new StatementRefused(row.line, `${column}: ${text || 'nothing'} is no amount of ${currency}`);
    return amount;
  };
  if ('column' in columns) return read(columns.column);
  const [credit, debit] = [row.get(columns.credit), row.get(columns.debit)];
  if (credit === '' && debit === '')
    throw new StatementRefused(row.line, `neither ${columns.credit} nor ${columns.debit} says an amount`);
  const [cameIn, wentOut] = [
    credit === '' ? 0n : read(columns.credit),
    debit === '' ? 0n : read(columns.debit),
  ];
  // A sign, or a booking that is undone: where balances are told they tell which.
  if (wentOut < 0n && mapping.balance === null && mapping.balances.size === 0)
    throw new StatementRefused(
      row.line,
      `${columns.debit}: ${debit} is below zero, and no balance tells what that means`,
    );
  return cameIn - wentOut;
}
