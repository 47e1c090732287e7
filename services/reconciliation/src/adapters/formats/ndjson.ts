import { isCurrency, strictJson } from '@slipstream/kernel';
import { signedInteger } from '../../domain/statement/amount.ts';
import { readDay } from '../../domain/statement/day.ts';
import {
  lineKinds,
  type StatementLine,
  type StatementPart,
  StatementRefused,
} from '../../domain/statement/statement.ts';
import type { TextLine } from './text.ts';

const outcomes = ['succeeded', 'failed', 'void'] as const;
const statementKeys = new Set(['statement', 'account', 'opening', 'closing']);
const lineKeys = new Set([
  ...[
    'kind',
    'amount',
    'gross',
    'currency',
    'booked_on',
    'references',
    'provider_reference',
    'outcome',
    'reason',
    'text',
  ],
]);

/**
 * Our own format: an object a line. The first of each statement names it (`{"statement":"s-1","account":"a-1","opening":[{"amount":"0",
 * "currency":"EUR"}],"closing":[…]}`), the others are its movements, in minor units as text. @throws StatementRefused
 */
export function* readNdjson(lines: Iterable<TextLine>): Generator<StatementPart> {
  let closing: Extract<StatementPart, { part: 'balance' }>[] | null = null;
  let last = 1;
  const close = function* (): Generator<StatementPart> {
    if (closing === null) return;
    yield* closing;
    yield { part: 'closed', line: last };
  };
  for (const { line, text } of lines) {
    if (text.trim() === '') continue;
    const json = objectOf(text, line);
    if ('statement' in json) {
      yield* close();
      refuseUnknown(json, statementKeys, line);
      const name = textOf(json, 'statement', line);
      yield {
        part: 'opened',
        line,
        name,
        account: json.account === undefined ? '' : textOf(json, 'account', line),
      };
      yield* balancesOf(json, 'opening', line);
      closing = balancesOf(json, 'closing', line);
    } else yield { part: 'line', movement: toLine(json, line) };
    last = line;
  }
  if (closing === null) throw new StatementRefused(1, 'the file is empty');
  yield* close();
}

type Json = Readonly<Record<string, unknown>>;

function objectOf(text: string, line: number): Json {
  const parsed = strictJson(text);
  if (!parsed.ok) throw new StatementRefused(line, `it is no JSON object: ${parsed.error}`);
  const { value } = parsed;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new StatementRefused(line, 'it is no JSON object');
}

function refuseUnknown(json: Json, known: ReadonlySet<string>, line: number): void {
  const unknown = Object.keys(json).find((key) => !known.has(key));
  if (unknown !== undefined) throw new StatementRefused(line, `unknown field ${unknown}`);
}

function balancesOf(json: Json, which: 'opening' | 'closing', line: number) {
  const given = json[which] ?? [];
  if (!Array.isArray(given)) throw new StatementRefused(line, `${which} must be a list of amounts`);
  return given.map((one: Json) => ({
    ...({ part: 'balance', line, which } as const),
    ...{ amount: amountOf(one, 'amount', line), currency: currencyOf(one, line) },
  }));
}

function toLine(json: Json, line: number): StatementLine {
  refuseUnknown(json, lineKeys, line);
  const amount = amountOf(json, 'amount', line);
  const bookedOn = readDay(textOf(json, 'booked_on', line));
  if (bookedOn === null) throw new StatementRefused(line, 'booked_on is no day');
  const references = json.references ?? [];
  if (!Array.isArray(references) || !references.every((one) => typeof one === 'string'))
    throw new StatementRefused(line, 'references must be a list of texts');
  const optional = (key: string) =>
    json[key] === undefined || json[key] === null ? null : textOf(json, key, line).trim();
  return {
    ...{ line, amount, bookedOn, currency: currencyOf(json, line) },
    references: [...new Set(references.map((one) => one.trim()))].filter((one) => one !== ''),
    gross: json.gross === undefined ? amount : amountOf(json, 'gross', line),
    kind: oneOf(json.kind ?? 'payment', lineKinds, 'kind', line),
    providerReference: optional('provider_reference'),
    outcome:
      json.outcome === undefined || json.outcome === null
        ? null
        : oneOf(json.outcome, outcomes, 'outcome', line),
    reason: optional('reason'),
    text: optional('text') ?? '',
  };
}

function oneOf<const Word extends string>(
  value: unknown,
  words: readonly Word[],
  key: string,
  line: number,
): Word {
  const word = words.find((one) => one === value);
  if (word !== undefined) return word;
  throw new StatementRefused(line, `${key} must be one of ${words.join(', ')}`);
}

function textOf(json: Json, key: string, line: number): string {
  const value = json[key];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new StatementRefused(line, `${key} must be a text`);
}

function amountOf(json: Json, key: string, line: number): bigint {
  const amount = typeof json?.[key] === 'string' ? signedInteger(json[key]) : null;
  if (amount === null)
    throw new StatementRefused(line, `${key} must be minor units as text, such as "-1250"`);
  return amount;
}

function currencyOf(json: Json, line: number): string {
  if (typeof json.currency === 'string' && isCurrency(json.currency)) return json.currency;
  throw new StatementRefused(line, 'currency must be an ISO 4217 code');
}
