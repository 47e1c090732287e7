import { isCurrency, type MoneyProblem, nameProblem, parseInstant, parseMoney } from '@slipstream/kernel';
import type { SlipKind } from './events.ts';

// What a single field of a submission may hold, over HTTP and over Kafka alike. Each check gives the problem as a text
// that fits behind the field's name, or null. Nothing is coerced: a number is never taken for its text.

export const slipKinds: readonly SlipKind[] = ['order', 'payout', 'payment'];

export const metadataKeysMax = 16;
export const metadataBytesMax = 4096;

export function kindProblem(value: unknown): string | null {
  return slipKinds.includes(value as SlipKind) ? null : `must be one of ${slipKinds.join(', ')}`;
}

/** The books name their accounts so (`services/ledger/src/domain/posting/chart.ts`); reads take either kind of name. */
const nameInTheBooks =
  /^(?:payer|provider|house):.*:(?:available|held|suspense|settlement|receivable|fees|costs|losses)$/;

/** Of an account or a counterparty: a name that an address can hold, and none that the books have given. */
export function accountProblem(value: unknown): string | null {
  const problem = nameProblem(value);
  if (problem !== null) return problem;
  // As a segment of a path they mean another one, however they are encoded (RFC 3986 section 5.2.4).
  if (value === '.' || value === '..') return 'must not be . or .., which no address can name';
  if (!nameInTheBooks.test(value as string)) return null;
  return 'must not have the form of an account of the books, such as payer:cust-42:held';
}

const moneyProblems: Readonly<Record<MoneyProblem, string>> = {
  amount_not_integer:
    'must be a string with a whole number of minor units, digits only: "1250" is 12.50 EUR or 1250 JPY',
  amount_not_positive: 'must be greater than 0',
  amount_too_large: 'must be at most 9223372036854775807',
  currency_unknown: 'must be the ISO 4217 code of a currency in use, in capitals',
};

export function amountProblem(value: unknown): string | null {
  // The currency has its own check and doesn't change what an amount may be: both are in minor units.
  const money = parseMoney(value, 'EUR');
  return money.ok ? null : moneyProblems[money.error];
}

export function currencyProblem(value: unknown): string | null {
  return typeof value === 'string' && isCurrency(value) ? null : moneyProblems.currency_unknown;
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

export function timeProblem(value: unknown): string | null {
  const given = typeof value === 'string' && rfc3339.test(value) && parseInstant(value) !== null;
  return given ? null : 'must be an RFC 3339 time with its zone, such as 2026-11-22T10:39:00Z';
}

export function metadataProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.length > metadataKeysMax) return `must have at most ${metadataKeysMax} keys`;
  let bytes = 0;
  for (const [key, text] of entries) {
    if (typeof text !== 'string') return 'must have strings as values';
    // Where messages are read into objects, it would be gone in silence.
    if (key === '__proto__') return 'must have no key __proto__';
    // Neither can be stored: PostgreSQL refuses the one, UTF-8 the other.
    if (`${key}${text}`.includes('\u0000') || !key.isWellFormed() || !text.isWellFormed()) {
      return 'must not have U+0000 or half a surrogate pair in it';
    }
    bytes += utf8Length(key) + utf8Length(text);
  }
  return bytes > metadataBytesMax ? `must have at most ${metadataBytesMax} bytes of keys and values` : null;
}

function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return length;
}
