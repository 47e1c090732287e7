import { type FieldProblem, nearest, SlipstreamError } from '@slipstream/kernel';

export const pageSizeDefault = 50;
export const pageSizeMax = 1000;

/** Values that one filter takes. */
export const filterValuesMax = 50;

export type Query = Readonly<Record<string, unknown>>;

/** One page as the HTTP contract shows it; a cursor is null where there is nothing more. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly next: string | null;
  readonly previous: string | null;
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
 * Refuses parameters that are not in `allowed`, and any that is given twice unless it is in `several`: an ignored filter would
 * answer another question than the one asked.
 * @throws {SlipstreamError} malformed_request naming every such parameter
 */
export function rejectUnknownQuery(
  query: Query,
  allowed: readonly string[],
  several: readonly string[] = [],
): void {
  const errors = Object.entries(query).flatMap(([name, value]) => {
    if (several.includes(name)) return valueCount(value) > filterValuesMax ? [tooMany(name)] : [];
    if (!allowed.includes(name)) {
      const hint = meant(name, [...allowed, ...several]);
      return [{ pointer: name, detail: `is an unknown parameter${hint}` }];
    }
    return Array.isArray(value) ? [{ pointer: name, detail: 'must be given once' }] : [];
  });
  if (errors.length > 0) throw malformedQuery(errors);
}

/** Behind what is wrong with a word; empty where nothing like it is there. */
export function meant(word: string, words: Iterable<string>): string {
  const found = nearest(word, words);
  return found === null ? '' : `; did you mean ${found}?`;
}

const valueCount = (value: unknown): number => (Array.isArray(value) ? value.length : 1);

const tooMany = (pointer: string): FieldProblem => ({
  pointer,
  detail: `may be given ${filterValuesMax} times at most`,
});

export function malformedQuery(errors: readonly FieldProblem[]): SlipstreamError {
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
