import { Readable } from 'node:stream';
import { applyDecorators, SetMetadata, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiQuery } from '@nestjs/swagger';
import { type PageOf, type PageRequest, parseInstant, SlipstreamError } from '@slipstream/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { preferred } from './accept.ts';
import { columnsOf, csvHeader, csvRow } from './csv.ts';
import { cursorInvalid } from './cursor-seal.ts';
import type { JsonValue } from './json.ts';
import { linkHeader, type Page, pageSizeDefault, pageSizeMax, parsePageSize } from './pagination.ts';
import { pageOf, type Schema } from './schemas.ts';

/** A list as a route answers with it. */
export interface List<Item> {
  /** Whether it may be a place in this list: a cursor is this service's own word, but perhaps an older release's. */
  isKey(key: readonly string[]): boolean;
  read(page: PageRequest): Promise<PageOf<Item>>;
  show(item: Item): JsonValue;
  /** Of an item as it is shown: the columns of CSV. */
  readonly item: Schema;
}

/** What {@link answerList} needs of a request, and of its answer. */
export type ListRequest = Pick<FastifyRequest, 'url' | 'headers' | 'method' | 'query' | 'server'>;
export type ListReply = Pick<FastifyReply, 'header'>;

/** For lists whose places are a time, as this service writes it, and an id behind it. */
export function isPlaceOf(isId: (id: string) => boolean): List<unknown>['isKey'] {
  return ([at, id, ...rest]) => {
    if (at === undefined || id === undefined || rest.length > 0) return false;
    return parseInstant(at) === at && isId(id);
  };
}

const csv = 'text/csv';
const ndjson = 'application/x-ndjson';
export const jsonType = 'application/json';
export const listTypes = [jsonType, csv, ndjson] as const;

/** Beside the filters of a list. */
export const listParameters = ['cursor', 'page_size'] as const;

export const offersKey = 'slipstream:offers';

/** The media types that a route answers with; JSON where it says nothing. */
export const Offers = (...types: readonly string[]) => SetMetadata(offersKey, types);

/** Describes a route that {@link answerList} answers, and the parameters that all lists have. */
export function ApiList(item: Schema, description: string) {
  const rows = { type: 'string' as const };
  return applyDecorators(
    Offers(...listTypes),
    ApiQuery({ name: 'cursor', required: false, description: '`next` or `previous` of another page' }),
    ApiQuery({
      name: 'page_size',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: pageSizeMax, default: pageSizeDefault },
    }),
    ApiOkResponse({
      description: `${description}; as CSV or NDJSON all that follow, or with \`page_size\` this page`,
      content: {
        [jsonType]: { schema: pageOf(item) as object },
        [csv]: { schema: rows },
        [ndjson]: { schema: rows },
      },
    }),
  );
}

/**
 * Answers with a page of a list, or with all of it from the cursor on: as CSV (RFC 4180) or NDJSON, page after page, as fast as
 * the caller reads. Give it the query that was checked.
 * @throws SlipstreamError malformed_request, cursor_invalid; overloaded when too many read whole lists
 */
export async function answerList<Item>(
  request: ListRequest,
  reply: ListReply,
  list: List<Item>,
): Promise<Page<JsonValue> | StreamableFile | string> {
  const query = request.query as Readonly<Record<string, unknown>>;
  const from = startOf(request, query.cursor, list);
  const type = preferred(request.headers.accept, listTypes) ?? jsonType;
  const isWhole = type !== jsonType && query.page_size === undefined;
  const limit = isWhole ? pageSizeMax : parsePageSize(query.page_size);
  const found = await list.read({ limit, from });
  if (!isWhole) {
    const page = toPage(request, found, list);
    const link = linkHeader(request.url, page);
    if (link !== null) reply.header('link', link);
    if (type === jsonType) return page;
  }
  reply.header('content-type', `${type}; charset=utf-8`);
  return request.method === 'HEAD' ? '' : rowsOf({ ...found, next: isWhole ? found.next : null }, list, type);
}

function startOf<Item>(request: ListRequest, cursor: unknown, { isKey }: List<Item>): PageRequest['from'] {
  if (cursor === undefined) return null;
  const [side, ...key] = request.server.cursorSeal.open(request, String(cursor));
  if ((side === 'after' || side === 'before') && isKey(key)) return { side, key };
  throw cursorInvalid();
}

function toPage<Item>(
  request: ListRequest,
  { items, next, previous }: PageOf<Item>,
  { show }: List<Item>,
): Page<JsonValue> {
  const seal = (side: string, key: readonly string[]) =>
    request.server.cursorSeal.seal(request, [side, ...key]);
  return {
    data: items.map(show),
    next: next && seal('after', next),
    previous: previous && seal('before', previous),
  };
}

/** Whole lists that are read at the same time. */
const wholeListsMax = 8;
/** So long may a caller take to read what one page of rows fills; then it is cut off. */
const rowsReadMsMax = 60_000;
let wholeLists = 0;

/** One page of rows at a time lies in memory, and no transaction is open while the caller reads. */
function rowsOf<Item>(first: PageOf<Item>, list: List<Item>, type: string): StreamableFile {
  if (wholeLists >= wholeListsMax) {
    throw new SlipstreamError('overloaded', 'Too many callers read whole lists.', { retryAfterS: 5 });
  }
  wholeLists += 1;
  const columns = columnsOf(list.item);
  const write = (item: Item) =>
    type === csv ? csvRow(columns, list.show(item)) : `${JSON.stringify(list.show(item))}\n`;
  let slow: NodeJS.Timeout | undefined;
  async function* rows(): AsyncGenerator<string> {
    if (type === csv) yield csvHeader(columns);
    for (let page = first; ; ) {
      slow = setTimeout(() => stream.destroy(new Error('the caller reads too slowly')), rowsReadMsMax);
      for (const item of page.items) yield write(item);
      clearTimeout(slow);
      if (page.next === null) return;
      page = await list.read({ limit: pageSizeMax, from: { side: 'after', key: page.next } });
    }
  }
  const stream = Readable.from(rows(), { objectMode: false });
  stream.once('close', () => {
    clearTimeout(slow);
    wholeLists -= 1;
  });
  return new StreamableFile(stream);
}
