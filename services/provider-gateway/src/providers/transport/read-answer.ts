import { isUtf8 } from 'node:buffer';
import {
  foreignTextLengthMax,
  type Instant,
  type Money,
  parseInstant,
  parseMoney,
  strictJson,
} from '@slipstream/kernel';
import type { OnceResult } from './call-once.ts';

// What protocols over HTTP share in reading: strictly, and what cannot be stored is never a reason to lose what can.

/** The provider's answer cannot be understood; the message says why, for people. */
export class Garbage extends Error {}

/** It is no JSON, or none that says one thing alone. */
export class NoJson extends Garbage {}

type Response = Extract<OnceResult, { kind: 'response' }>;

export type Json = Readonly<Record<string, unknown>>;

/** The body of an answer as a JSON object. @throws Garbage */
export function parseObject(response: Response): Json {
  if (isEncoded(response)) throw new Garbage('the body is encoded');
  return parseJson(response.body);
}

/** Whether the body is other bytes than those that were meant; the name of an encoding may be in any letters. */
export function isEncoded({ headers }: Pick<Response, 'headers'>): boolean {
  const encoding = headers['content-encoding'];
  return encoding !== undefined && String(encoding).toLowerCase() !== 'identity';
}

/**
 * Strictly: of a key that comes twice nobody knows which value was meant. A reason that cannot be stored is no reason
 * to lose the outcome beside it. @throws Garbage
 */
export function parseJson(body: Buffer): Json {
  if (!isUtf8(body)) throw new NoJson('the body is not UTF-8');
  const parsed = strictJson(body.toString('utf8'), { anyText: true });
  if (!parsed.ok) throw new NoJson(parsed.error);
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Garbage('the body is not a JSON object');
  }
  return value as Json;
}

/** Text that can be stored, its beginning where it is long; anything else counts as not given. */
export function text(value: unknown): string | null {
  if (typeof value !== 'string' || value === '' || !isStorable(value)) return null;
  return begin(value);
}

/** The provider's own name for a slip, as text; a part of one would name another, so a long one counts as not given. */
export function reference(value: unknown): string | null {
  const name = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof name === 'string' && name.length <= foreignTextLengthMax ? text(name) : null;
}

/** What was said, as JSON, for people: it can always be stored. */
export function said(value: unknown): string {
  // JSON escapes control characters and lone surrogates; the rest of them is escaped here.
  return begin(JSON.stringify(value).replace(/[\u007f]/g, '\\u007f'));
}

export function time(value: unknown): Instant | null {
  return typeof value === 'string' ? parseInstant(value) : null;
}

/** Minor units as text, and the currency's code. */
export function money(amount: unknown, currency: unknown): Money | 'unreadable' {
  const parsed = parseMoney(amount, currency);
  return parsed.ok ? parsed.value : 'unreadable';
}

function isStorable(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not come in
  return !/[\u0000-\u001f\u007f]/.test(value) && value.isWellFormed();
}

/** Never half a character at its end. */
function begin(value: string): string {
  return value.slice(0, foreignTextLengthMax).replace(/[\ud800-\udbff]$/, '');
}
