import { shownAmount } from '@slipstream/kernel';
import { commaDecimals, signedMinorUnits } from '../../domain/statement/amount.ts';
import { bankDay, daysBetween } from '../../domain/statement/day.ts';
import { signed } from '../../domain/statement/sign.ts';
import {
  type Day,
  type LineKind,
  type StatementLine,
  type StatementPart,
  StatementRefused,
} from '../../domain/statement/statement.ts';
import { reasonIn, referencesIn } from './mt940-text.ts';
import type { TextLine } from './text.ts';

// SWIFT MT940, category 9, "Customer Statement Message". Fields as in the Standards Release Guide; read strictly, but for what banks do
// in the samples: funds codes, :28: for :28C:, a blank entry date, an amount without decimals, bank years.

interface Field extends TextLine {
  readonly tag: string;
}

const tagPattern = /^:(\d{2}[A-Z]?|NS):(.*)$/;
const known = new Set([
  '20',
  '21',
  '25',
  '28',
  '28C',
  '60F',
  '60M',
  '61',
  '86',
  '62F',
  '62M',
  '64',
  '65',
  '13D',
  '34F',
  '90C',
  '90D',
  '25P',
  // What banks tell among themselves.
  'NS',
]);

/** What a bank means by codes of its own. */
type Codes = ReadonlyMap<string, LineKind>;

/** Statements of a file, each between its `:20:` and its closing balance. @throws StatementRefused */
export function* readMt940(lines: Iterable<TextLine>, codes: Codes = new Map()): Generator<StatementPart> {
  let account = '';
  let message = '';
  let name = '';
  let currency: string | null = null;
  let entry: { field: Field; text: string[] } | null = null;
  let last = 1;
  let isOpen = false;
  let statements = 0;
  /** What the page before closed with, where the statement goes on behind it. */
  let page: { readonly of: string; readonly amount: bigint } | null = null;
  for (const field of fieldsOf(lines)) {
    const { tag, line, text } = field;
    last = line;
    if (tag === '86' && entry !== null) {
      entry.text.push(text);
      continue;
    }
    if (entry !== null) yield { part: 'line', movement: toLine(entry, currency!, codes) };
    entry = null;
    if (tag === '20') {
      message = text.trim();
      name = message;
    } else if (tag === '25' || tag === '25P') account = text.split('\n')[0]!.trim();
    else if (tag === '28C' || tag === '28') name = `${message} ${text.trim()}`;
    else if (tag === '60F' || tag === '60M') {
      if (isOpen)
        throw new StatementRefused(line, 'an opening balance, but the statement before has no closing one');
      isOpen = true;
      statements += 1;
      yield { part: 'opened', line, name, account };
      const balance = readBalance(field, 'opening');
      currency = balance.currency;
      if (tag === '60M' && page?.of === `${account} ${currency}` && page.amount !== balance.amount) {
        const [is, was] = [balance.amount, page.amount].map((amount) => shownAmount(amount, currency!));
        throw new StatementRefused(
          line,
          `the page opens with ${is}, but the one before it closed with ${was}`,
        );
      }
      yield balance;
    } else if (tag === '61') {
      if (!isOpen) throw new StatementRefused(line, ':61: stands before any opening balance');
      if (!isZero(field)) entry = { field, text: [] };
    } else if (tag === '62F' || tag === '62M') {
      if (!isOpen) throw new StatementRefused(line, 'a closing balance, but no opening one');
      const balance = readBalance(field, 'closing');
      if (balance.currency !== currency)
        throw new StatementRefused(line, `it opened in ${currency} and closes in ${balance.currency}`);
      yield balance;
      yield { part: 'closed', line };
      isOpen = false;
      page = tag === '62M' ? { of: `${account} ${currency}`, amount: balance.amount } : null;
    }
  }
  if (isOpen) throw new StatementRefused(last, 'the file ends before the closing balance');
  if (statements === 0) throw new StatementRefused(1, 'it holds no statement');
}

/** A field begins with its tag and goes on until the next; `-` and blocks in braces are the envelope's. */
function* fieldsOf(lines: Iterable<TextLine>): Generator<Field> {
  let open: { tag: string; line: number; texts: string[] } | null = null;
  const complete = (field: { tag: string; line: number; texts: string[] }): Field => ({
    ...{ tag: field.tag, line: field.line, text: field.texts.join('\n') },
  });
  for (const { line, text } of lines) {
    const tagged = tagPattern.exec(text.replace(/^\{[^:]*:.*\{4:/, ''));
    if (tagged) {
      if (!known.has(tagged[1]!)) throw new StatementRefused(line, `MT940 has no field :${tagged[1]}:`);
      if (open) yield complete(open);
      open = { tag: tagged[1]!, line, texts: [tagged[2]!] };
    } else if (/^-\}?|^\{/.test(text)) {
      // Inside of a field's text a line may begin with a hyphen, too: it ends the message only where nothing is behind it.
      if (open && /^-(?!\}|\s*$)/.test(text)) open.texts.push(text);
      else if (open) {
        yield complete(open);
        open = null;
      }
    } else if (open) open.texts.push(text);
    else if (text.trim() !== '') throw new StatementRefused(line, 'it is no field of MT940');
  }
  if (open) yield complete(open);
}

const balancePattern = /^([CD])(\d{2})(\d{2})(\d{2})([A-Z]{3})([0-9]+,[0-9]*)$/;

function readBalance(
  { line, text, tag }: Field,
  which: 'opening' | 'closing',
): Extract<StatementPart, { part: 'balance' }> {
  const match = balancePattern.exec(text.trim());
  if (!match) throw new StatementRefused(line, `:${tag}: is no balance`);
  const [, mark, year, month, day, currency, digits] = match as unknown as string[];
  const on = bankDay(2000 + Number(year), Number(month), Number(day));
  if (on === null) throw new StatementRefused(line, `the calendar has no day ${year}${month}${day}`);
  const amount = amountOf(digits!, currency!, line);
  return {
    part: 'balance',
    line,
    which,
    amount: signed(amount, markOf(mark!), false),
    currency: currency!,
    on,
  };
}

const entryPattern =
  /^(?<year>\d{2})(?<month>\d{2})(?<day>\d{2})(?: {4}|(?<entry>\d{4}))?(?<undoes>R?)(?<mark>[CD])(?<funds>[A-Z]?)(?<amount>\d{1,15},\d{0,3})(?<code>[A-Z][A-Z0-9]{3})(?<rest>.*)$/;

function entryOf({ line, text }: Field): Record<string, string | undefined> {
  const match = entryPattern.exec(text.split('\n')[0]!);
  if (!match) throw new StatementRefused(line, ':61: is no entry');
  return match.groups!;
}

/** Some banks tell balances by the hour in entries of nothing. */
function isZero(field: Field): boolean {
  return /^0+,0*$/.test(entryOf(field).amount!);
}

function toLine(
  { field, text }: { field: Field; text: readonly string[] },
  currency: string,
  codes: Codes,
): StatementLine {
  const { line } = field;
  const { mark, undoes, amount: digits, code, rest, ...dates } = entryOf(field);
  const amount = signed(amountOf(digits!, currency, line), markOf(mark!), undoes === 'R');
  const [ours = '', theirs = ''] = rest!.split('//');
  const info = [...field.text.split('\n').slice(1), ...text].join('\n');
  return {
    ...{ line, amount, gross: amount, currency, text: info },
    kind: undoes === 'R' ? 'return' : (codes.get(code!) ?? kindOf(code!, text.join(''))),
    bookedOn: bookedOn(dates, line),
    references: [...new Set([ours.trim(), ...referencesIn(text.join('\n'))])].filter(isReference),
    providerReference: isReference(theirs.trim()) ? theirs.trim() : null,
    outcome: null,
    reason: reasonIn(text.join('')),
  };
}

const isReference = (text: string) => text !== '' && text !== 'NONREF';

/** The entry date has no year: it is the one that brings it nearest to the value date. */
function bookedOn({ year, month, day, entry }: Record<string, string | undefined>, line: number): Day {
  const value = bankDay(2000 + Number(year), Number(month), Number(day));
  if (value === null) throw new StatementRefused(line, `the calendar has no day ${year}${month}${day}`);
  if (entry === undefined) return value;
  const [entryMonth, entryDay] = [Number(entry.slice(0, 2)), Number(entry.slice(2))];
  const days = [-1, 0, 1].flatMap(
    (years) => bankDay(2000 + Number(year) + years, entryMonth, entryDay) ?? [],
  );
  if (days.length === 0) throw new StatementRefused(line, `the calendar has no day ${entry}`);
  return days.sort((a, b) => Math.abs(daysBetween(value, a)) - Math.abs(daysBetween(value, b)))[0]!;
}

/** German business codes (GVC) in front of `:86:`: 108, 109 and 159 are direct debits and transfers that come back, 8xx are fees. */
function kindOf(code: string, text: string): LineKind {
  const business = /^\d{3}(?=\?)/.exec(text)?.[0];
  // Its first letter says who told the bank: nobody, an advice, a SWIFT message.
  const type = code.slice(1);
  if (type === 'RTI' || ['108', '109', '159'].includes(business ?? '')) return 'return';
  if (['CHG', 'COM'].includes(type) || business?.startsWith('8')) return 'fee';
  return 'payment';
}

function amountOf(digits: string, currency: string, line: number): bigint {
  const amount = signedMinorUnits(digits, currency, commaDecimals);
  if (amount === null) throw new StatementRefused(line, `${digits} is no amount of ${currency}`);
  return amount;
}

const markOf = (mark: string) => (mark === 'C' ? 'credit' : 'debit');
