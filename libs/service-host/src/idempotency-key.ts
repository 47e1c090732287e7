import { SlipstreamError } from '@slipstream/kernel';
import type { FastifyRequest } from 'fastify';

/**
 * The value of the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header-07): a quoted structured-field
 * string, or, as most clients send it, the bare text. 1-255 visible ASCII characters.
 * @param values one entry per header line (`request.raw.headersDistinct['idempotency-key']`)
 * @throws {SlipstreamError} idempotency_key_missing; idempotency_key_invalid, also when the header is repeated
 */
export function parseIdempotencyKey(values: readonly string[] | undefined): string {
  const [value, ...others] = values ?? [];
  if (value === undefined) {
    throw new SlipstreamError(
      'idempotency_key_missing',
      'Send an Idempotency-Key header with a unique value.',
    );
  }
  if (others.length > 0) throw invalid('The Idempotency-Key header is repeated.');
  const key = value.startsWith('"') ? unquote(value) : value;
  if (key === null || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw invalid(
      'The Idempotency-Key must be 1 to 255 visible ASCII characters, bare or as a quoted string.',
    );
  }
  return key;
}

/** Describes the header of requests that may be dry runs. */
export const dryRunKeyHeader = {
  ...{ name: 'Idempotency-Key', required: false, schema: { type: 'string' as const, maxLength: 255 } },
  description: 'Required but for a dry run: the same request again gets the same answer',
};

function unquote(value: string): string | null {
  const inner = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(value)?.[1];
  return inner === undefined ? null : inner.replace(/\\(.)/g, '$1');
}

function invalid(detail: string): SlipstreamError {
  return new SlipstreamError('idempotency_key_invalid', detail);
}

/** The checked Idempotency-Key of a request. @throws {SlipstreamError} as {@link parseIdempotencyKey} */
export function idempotencyKeyOf({ raw }: Pick<FastifyRequest, 'raw'>): string {
  const joined = raw.headers['idempotency-key'];
  // Several lines are joined by a comma. Node makes the distinct ones of all headers, at the first question.
  const isOne = typeof joined === 'string' && !joined.includes(',');
  return parseIdempotencyKey(isOne ? [joined] : raw.headersDistinct['idempotency-key']);
}
