import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { SlipstreamError } from '@slipstream/kernel';
import type { FastifyRequest } from 'fastify';

/** A list as somebody asks for it. */
type Asked = Pick<FastifyRequest, 'url'> & { readonly query: unknown };

/** Longer cursors are never made, so they are refused before they are decoded. */
const cursorLengthMax = 2_048;
const tagBytes = 16;
/** What does not belong to the question: where the page starts, and how long it is. */
const besideFilters: ReadonlySet<string> = new Set(['cursor', 'page_size']);

/**
 * Makes cursors and takes them back: HMAC-SHA-256 (RFC 2104), cut to 128 bits, over the list, its filters and the place in it.
 * A cursor of another list, of another filter, of another service or of somebody's own making is refused.
 */
export class CursorSeal {
  readonly #key: Uint8Array;

  /** Every instance of a service must have the same key. */
  constructor(key: Uint8Array = randomBytes(32)) {
    this.#key = key;
  }

  seal(request: Asked, place: readonly string[]): string {
    const content = Buffer.from(JSON.stringify(place), 'utf8');
    return Buffer.concat([this.#tag(request, content), content]).toString('base64url');
  }

  /** @throws SlipstreamError cursor_invalid */
  open(request: Asked, cursor: string): readonly string[] {
    const bytes = cursor.length <= cursorLengthMax ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
    const content = bytes.subarray(tagBytes);
    const isOurs =
      bytes.length > tagBytes &&
      bytes.toString('base64url') === cursor &&
      timingSafeEqual(bytes.subarray(0, tagBytes), this.#tag(request, content));
    if (!isOurs) throw cursorInvalid();
    return JSON.parse(content.toString('utf8'));
  }

  #tag(request: Asked, content: Uint8Array): Buffer {
    const question = Buffer.from(`${questionOf(request)}\n`, 'utf8');
    return createHmac('sha256', this.#key).update(question).update(content).digest().subarray(0, tagBytes);
  }
}

export function cursorInvalid(): SlipstreamError {
  return new SlipstreamError(
    'cursor_invalid',
    'The cursor was not made by this list with these filters; start without one.',
  );
}

/** The list and its filters, in one form however they were written. */
function questionOf({ url, query }: Asked): string {
  const filters = Object.entries((query ?? {}) as Readonly<Record<string, unknown>>)
    .filter(([name]) => !besideFilters.has(name))
    .map(([name, value]) => [name, [value].flat().map(String).sort()] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([url.split('?', 1)[0], filters]);
}
