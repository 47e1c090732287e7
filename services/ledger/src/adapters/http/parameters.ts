import {
  Parameters as CommonParameters,
  encodeCursor,
  linkHeader,
  type Page,
  unusable,
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

/** What the ledger's collections are asked with, beside what all services are. */
export class Parameters extends CommonParameters {
  /** `partition:offset`, or `source:partition:seq` as intake's Slip-Position has it. */
  position(name: string): LogPosition | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const match = /^(?:(\/[^\s]+):)?(\d{1,9}):(\d{1,15})$/.exec(value);
    if (!match)
      throw unusable(name, 'must be a position: partition:offset, or the Slip-Position of an answer');
    return { source: match[1] ?? null, partition: Number(match[2]), number: Number(match[3]) };
  }

  /** `isKey` tells whether the cursor's key fits this collection. */
  page(isKey: (key: readonly string[]) => boolean): PageRequest {
    const limit = this.pageSize();
    const cursor = this.cursor((value): value is Cursor => isCursor(value, isKey));
    if (cursor === null) return { limit, from: null };
    const [side, ...key] = cursor;
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
