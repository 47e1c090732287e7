import { SlipstreamError } from '@slipstream/kernel';
import type { JsonValue } from './json.ts';

export const pageSizeDefault = 50;
export const pageSizeMax = 1000;

/** Longer cursors are never made, so they are refused before they are decoded. */
const cursorLengthMax = 1024;

export type Query = Readonly<Record<string, unknown>>;

/** One page as the HTTP contract shows it; a cursor is null where there is nothing more. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly next: string | null;
  readonly previous: string | null;
}

/** Makes an opaque cursor. It is not signed: whoever decodes it must treat the content as the caller's input. */
export function encodeCursor(position: JsonValue): string {
  return Buffer.from(JSON.stringify(position), 'utf8').toString('base64url');
}

/**
 * The content of a cursor made by {@link encodeCursor}, if `isPosition` accepts it.
 * @throws {SlipstreamError} cursor_invalid
 */
export function decodeCursor<T>(cursor: string, isPosition: (value: unknown) => value is T): T {
  const value = cursor.length <= cursorLengthMax ? parseCursor(cursor) : undefined;
  if (value !== undefined && isPosition(value)) return value;
  throw new SlipstreamError(
    'cursor_invalid',
    'The cursor was not made by this collection; start without one.',
  );
}

function parseCursor(cursor: string): unknown {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.toString('base64url') !== cursor) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The `page_size` parameter: 1 to 1000, 50 when absent.
 * @throws {SlipstreamError} malformed_request
 */
export function parsePageSize(value: unknown): number {
  if (value === undefined) return pageSizeDefault;
  const size = typeof value === 'string' && /^[1-9]\d{0,3}$/.test(value) ? Number(value) : 0;
  if (size >= 1 && size <= pageSizeMax) return size;
  throw malformedQuery([
    { pointer: 'page_size', detail: `must be an integer from 1 to ${pageSizeMax}, given once` },
  ]);
}

/**
 * Refuses parameters that are not in `allowed`, and any that is given twice: an ignored filter would answer another
 * question than the one asked.
 * @throws {SlipstreamError} malformed_request naming every such parameter
 */
export function rejectUnknownQuery(query: Query, allowed: readonly string[]): void {
  const errors = Object.entries(query).flatMap(([name, value]) => {
    if (!allowed.includes(name)) return [{ pointer: name, detail: 'unknown parameter' }];
    return Array.isArray(value) ? [{ pointer: name, detail: 'must be given once' }] : [];
  });
  if (errors.length > 0) throw malformedQuery(errors);
}

export function malformedQuery(errors: readonly { pointer: string; detail: string }[]): SlipstreamError {
  return new SlipstreamError('malformed_request', 'The query has parameters that cannot be used.', {
    errors,
  });
}

/**
 * The RFC 8288 `Link` header of a page, or null for a single page.
 * @param target path and query of the request (`request.url`); its `cursor` is replaced
 */
export function linkHeader(target: string, page: Pick<Page<unknown>, 'next' | 'previous'>): string | null {
  const links = [
    page.next === null ? [] : [`<${withCursor(target, page.next)}>; rel="next"`],
    page.previous === null ? [] : [`<${withCursor(target, page.previous)}>; rel="prev"`],
  ].flat();
  return links.length > 0 ? links.join(', ') : null;
}

function withCursor(target: string, cursor: string): string {
  const [path = '/', ...rest] = target.split('?');
  const parameters = new URLSearchParams(rest.join('?'));
  parameters.set('cursor', cursor);
  return `${path}?${parameters}`;
}
