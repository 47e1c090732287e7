import { err, ok, type Result } from './result.ts';

const depthMax = 32;
const refusedKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** Why a text is not taken, as a sentence for whoever sent it. */
class Refused extends Error {}

/**
 * Parses JSON (RFC 8259) as strictly as I-JSON (RFC 7493) asks, so that two readers cannot understand it differently
 * and nothing comes in that PostgreSQL cannot store. Refused, with a sentence that says why: a byte order mark,
 * duplicate keys, keys that reach a prototype, more than 32 levels, and U+0000 and lone surrogates in strings, unless
 * `anyText` leaves it to the reader to look at each string that it keeps.
 */
export function strictJson(
  text: string,
  options: { readonly anyText: boolean } = { anyText: false },
): Result<unknown, string> {
  if (text === '') return err('The body is empty.');
  if (text.startsWith('\ufeff')) return err('The body starts with a byte order mark.');
  try {
    const value = parse(text);
    scan(text, options.anyText);
    return ok(value);
  } catch (error) {
    if (error instanceof Refused) return err(error.message);
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /at position (\d+)/.exec((error as Error).message)?.[1];
    throw new Refused(
      position ? `The body is not JSON: look at character ${position}.` : 'The body is not JSON.',
    );
  }
}

const quote = 0x22;
const brace = { open: 0x7b, close: 0x7d };
const bracket = { open: 0x5b, close: 0x5d };

/** One pass over text that is known to be JSON: only brackets, commas, colons and strings need a look. */
function scan(text: string, anyText: boolean): void {
  // Most texts have no escape at all: then a string ends at the next quote, and only keys need a look.
  const hasEscapes = text.includes('\\');
  /** The keys seen in each open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case brace.open:
        open.push(new Set());
        break;
      case bracket.open:
        open.push(null);
        break;
      case brace.close:
      case bracket.close:
        open.pop();
        break;
      case quote: {
        const end = hasEscapes ? endOfString(text, at) : text.indexOf('"', at + 1);
        const keys = isKey(text, end) ? open.at(-1) : null;
        if (hasEscapes || keys) checkString(text.slice(at, end + 1), keys, anyText);
        at = end;
        break;
      }
    }
    if (open.length > depthMax) throw new Refused(`The body is nested deeper than ${depthMax} levels.`);
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isKey(text: string, endOfString: number): boolean {
  let at = endOfString + 1;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text[at] === ':';
}

function checkString(quoted: string, keys: Set<string> | null | undefined, anyText: boolean): void {
  // Only an escape can bring U+0000 or half a surrogate pair: raw ones are no JSON or no UTF-8.
  const escaped = quoted.includes('\\');
  const value = escaped ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (escaped && !anyText && value.includes('\u0000'))
    throw new Refused('A string has the character U+0000.');
  if (escaped && !anyText && !value.isWellFormed())
    throw new Refused('A string has half of a surrogate pair.');
  if (!keys) return;
  if (refusedKeys.has(value)) throw new Refused(`The key ${value} is not allowed.`);
  if (keys.has(value)) throw new Refused(`The key ${JSON.stringify(value.slice(0, 100))} appears twice.`);
  keys.add(value);
}
