import { type Instant, keyLengthMax, parseInstant, SlipstreamError } from '@slipstream/kernel';
import {
  decodeCursor,
  encodeCursor,
  linkHeader,
  type Page,
  parsePageSize,
  rejectUnknownQuery,
} from '@slipstream/service-host';
import type { LogPosition, PageOf, PageRequest } from '../../application/queries.ts';

export type Query = Readonly<Record<string, unknown>>;

/** What a controller needs of a request and its answer. */
export interface Request {
  readonly url: string;
}
export interface Reply {
  header(name: string, value: string): unknown;
}

/** Reads query parameters; every method throws SlipstreamError malformed_request that names the parameter. */
export class Parameters {
  readonly #query: Query;

  /** Refuses parameters that are not in `allowed`. */
  constructor(query: Query, allowed: readonly string[]) {
    rejectUnknownQuery(query, allowed);
    this.#query = query;
  }

  text(name: string): string | undefined {
    const value = this.#query[name];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '' && value.length <= keyLengthMax && !value.includes('\0')) {
      return value;
    }
    throw wrong(name, `must be a text of 1 to ${keyLengthMax} characters`);
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    throw wrong(name, `must be one of ${words.join(', ')}`);
  }

  instant(name: string): Instant | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const instant = parseInstant(value);
    if (instant !== null) return instant;
    throw wrong(name, 'must be an RFC 3339 time, like 2026-11-22T10:39:00Z');
  }

  /** `partition:offset`, or `source:partition:seq` as intake's Slip-Position has it. */
  position(name: string): LogPosition | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const match = /^(?:(\/[^\s]+):)?(\d{1,9}):(\d{1,15})$/.exec(value);
    if (!match) throw wrong(name, 'must be a position: partition:offset, or the Slip-Position of an answer');
    return { source: match[1] ?? null, partition: Number(match[2]), number: Number(match[3]) };
  }

  /** `isKey` tells whether the cursor's key fits this collection. */
  page(isKey: (key: readonly string[]) => boolean): PageRequest {
    const limit = parsePageSize(this.#query.page_size);
    const cursor = this.text('cursor');
    if (cursor === undefined) return { limit, from: null };
    const [side, ...key] = decodeCursor(cursor, (value): value is Cursor => isCursor(value, isKey));
    return { limit, from: { side, key } };
  }
}

type Cursor = ['after' | 'before', ...string[]];

function isCursor(value: unknown, isKey: (key: readonly string[]) => boolean): value is Cursor {
  if (!Array.isArray(value) || !value.every((part) => typeof part === 'string' && !part.includes('\0'))) {
    return false;
  }
  const [side, ...key] = value as string[];
  return (side === 'after' || side === 'before') && isKey(key);
}

export function wrong(pointer: string, detail: string): SlipstreamError {
  return new SlipstreamError('malformed_request', 'The query has parameters that cannot be used.', {
    errors: [{ pointer, detail }],
  });
}

/** A page as the HTTP contract shows it, with its Link header set. */
export function toPage<Item, Shown>(
  { items, next, previous }: PageOf<Item>,
  show: (item: Item) => Shown,
  request: Request,
  reply: Reply,
): Page<Shown> {
  const page = {
    data: items.map(show),
    next: next && encodeCursor(['after', ...next]),
    previous: previous && encodeCursor(['before', ...previous]),
  };
  const link = linkHeader(request.url, page);
  if (link !== null) reply.header('link', link);
  return page;
}
