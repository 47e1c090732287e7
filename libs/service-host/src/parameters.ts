import { type Instant, keyLengthMax, parseInstant, type SlipstreamError } from '@slipstream/kernel';
import { malformedQuery, meant, type Query, rejectUnknownQuery } from './pagination.ts';

/** Reads query parameters; every method throws SlipstreamError malformed_request that names the parameter. */
export class Parameters {
  readonly #query: Query;

  /** Refuses parameters that are in neither list, and any of `allowed` that is given twice. */
  constructor(query: Query, allowed: readonly string[], several: readonly string[] = []) {
    rejectUnknownQuery(query, allowed, several);
    this.#query = query;
  }

  /** U+0000 cannot be stored, so PostgreSQL does not even compare with it. */
  text(name: string): string | undefined {
    const value = this.#query[name];
    return value === undefined ? undefined : checkedText(name, value);
  }

  /** The values of a parameter that may be repeated; empty: it was not given. */
  texts(name: string): readonly string[] {
    const value = this.#query[name];
    return value === undefined ? [] : [value].flat().map((one) => checkedText(name, one));
  }

  /** The code of a currency, in use or not any more. */
  currency(name: string): string | undefined {
    return this.currencies(name)[0];
  }

  currencies(name: string): readonly string[] {
    return this.texts(name).map((code) => {
      if (/^[A-Z]{3}$/.test(code)) return code;
      throw unusable(name, 'must be an ISO 4217 code in capitals, like EUR');
    });
  }

  /** The same of a closed set of words. */
  words<const Word extends string>(name: string, words: readonly Word[]): readonly Word[] {
    return this.texts(name).map((value) => {
      const word = words.find((candidate) => candidate === value);
      if (word !== undefined) return word;
      const hint = value.includes(',') ? '; for several, repeat the parameter' : meant(value, words);
      throw unusable(name, `must be one of ${words.join(', ')}${hint}`);
    });
  }

  oneOf<const Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    throw unusable(name, `must be one of ${words.join(', ')}${meant(value, words)}`);
  }

  /** From 0 to 999,999. */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (/^\d{1,6}$/.test(value)) return Number(value);
    throw unusable(name, 'must be an integer');
  }

  instant(name: string): Instant | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const instant = parseInstant(value);
    if (instant !== null) return instant;
    throw unusable(name, 'must be an RFC 3339 time, like 2026-11-22T10:39:00Z');
  }

  /** From a time on, and before one: the wrong way round they would find nothing, and say so. */
  span(from: string, to: string): readonly [Instant | undefined, Instant | undefined] {
    const [first, last] = [this.instant(from), this.instant(to)];
    if (first !== undefined && last !== undefined && last < first)
      throw unusable(to, `must not be before ${from}`);
    return [first, last];
  }
}

/** A query parameter has a value that nothing can be asked with. */
export function unusable(pointer: string, detail: string): SlipstreamError {
  return malformedQuery([{ pointer, detail }]);
}

function checkedText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= keyLengthMax && !value.includes('\0'))
    return value;
  throw unusable(name, `must be a text of 1 to ${keyLengthMax} characters`);
}
