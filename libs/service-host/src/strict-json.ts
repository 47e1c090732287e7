import { isUtf8 } from 'node:buffer';
import { SlipstreamError } from '@slipstream/kernel';

const depthMax = 32;
const refusedKeys = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Parses a JSON body (RFC 8259) as strictly as I-JSON (RFC 7493) asks, so that two readers cannot understand it
 * differently and nothing comes in that PostgreSQL cannot store. Refused: other encodings than UTF-8, a byte order
 * mark, duplicate keys, keys that reach a prototype, U+0000 and lone surrogates in strings, more than 32 levels.
 * @throws {SlipstreamError} malformed_json
 */
export function parseStrictJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw malformed('The body is empty.');
  if (!isUtf8(bytes)) throw malformed('The body is not valid UTF-8.');
  const text = bytes.toString('utf8');
  if (text.startsWith('\ufeff')) throw malformed('The body starts with a byte order mark.');
  const value = parse(text);
  scan(text);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /at position (\d+)/.exec((error as Error).message)?.[1];
    throw malformed(
      position ? `The body is not JSON: look at character ${position}.` : 'The body is not JSON.',
    );
  }
}

/** One pass over text that is known to be JSON: only brackets, commas, colons and strings need a look. */
function scan(text: string): void {
  /** The keys seen in each open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '{':
        open.push(new Set());
        break;
      case '[':
        open.push(null);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"': {
        const end = endOfString(text, at);
        checkString(text.slice(at, end + 1), isKey(text, end) ? open.at(-1) : null);
        at = end;
        break;
      }
    }
    if (open.length > depthMax) throw malformed(`The body is nested deeper than ${depthMax} levels.`);
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

function checkString(quoted: string, keys: Set<string> | null | undefined): void {
  // Only an escape can bring U+0000 or half a surrogate pair: raw ones are no JSON or no UTF-8.
  const escaped = quoted.includes('\\');
  const value = escaped ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (escaped && value.includes('\u0000')) throw malformed('A string has the character U+0000.');
  if (escaped && !value.isWellFormed()) throw malformed('A string has half of a surrogate pair.');
  if (!keys) return;
  if (refusedKeys.has(value)) throw malformed(`The key ${value} is not allowed.`);
  if (keys.has(value)) throw malformed(`The key ${JSON.stringify(value.slice(0, 100))} appears twice.`);
  keys.add(value);
}

function malformed(detail: string): SlipstreamError {
  return new SlipstreamError('malformed_json', detail);
}
