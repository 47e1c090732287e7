/**
 * The closed registry of error codes. `retryable` tells whether the same request may succeed later;
 * `title` is safe to show to anyone. HTTP statuses belong to libs/service-host, Kafka outcomes to libs/kafka.
 */
export const errorCodes = {
  malformed_json: { retryable: false, title: 'The body is not valid JSON' },
  malformed_request: { retryable: false, title: 'The request is malformed' },
  validation_failed: { retryable: false, title: 'The request has invalid fields' },
  unsupported_media_type: { retryable: false, title: 'The content type is not supported' },
  payload_too_large: { retryable: false, title: 'The payload is too large' },
  idempotency_key_missing: { retryable: false, title: 'The Idempotency-Key header is missing' },
  idempotency_key_invalid: { retryable: false, title: 'The Idempotency-Key header is invalid' },
  idempotency_key_reused: { retryable: false, title: 'The Idempotency-Key was used with another request' },
  idempotency_in_flight: { retryable: true, title: 'A request with this key is still being processed' },
  reference_taken: { retryable: false, title: 'The reference is already in use' },
  reference_on_other_clock: { retryable: false, title: 'The reference is bound to another clock' },
  route_unknown: { retryable: false, title: 'The route is not configured' },
  deadline_in_past: { retryable: false, title: 'The deadline lies in the past' },
  account_not_active: { retryable: false, title: 'The account takes no slips' },
  business_duplicate: { retryable: false, title: 'The same business was submitted before' },
  limit_exceeded: { retryable: true, title: 'A limit of the account is used up' },
  statement_refused: { retryable: false, title: 'The statement is not what it says' },
  unauthenticated: { retryable: false, title: 'A valid bearer token is required' },
  forbidden: { retryable: false, title: 'The token does not allow this' },
  same_person: { retryable: false, title: 'Another person must decide' },
  signature_invalid: { retryable: false, title: 'The signature could not be verified' },
  not_found: { retryable: false, title: 'Not found' },
  not_acceptable: { retryable: false, title: 'The answer does not come in that form' },
  method_not_allowed: { retryable: false, title: 'The method is not allowed' },
  already_submitted: { retryable: false, title: 'The slip was submitted and is final' },
  version_mismatch: { retryable: false, title: 'The slip has changed since' },
  conflict: { retryable: false, title: 'The state does not allow this' },
  cursor_invalid: { retryable: false, title: 'The cursor is invalid' },
  position_timeout: { retryable: true, title: 'The position was not reached in time' },
  rate_limited: { retryable: true, title: 'The client sends too many requests' },
  overloaded: { retryable: true, title: 'The service is overloaded' },
  unavailable: { retryable: true, title: 'The service is not available' },
  undecodable_record: { retryable: false, title: 'The record could not be decoded' },
  too_new: { retryable: false, title: 'The record was written by a newer release' },
  internal: { retryable: true, title: 'An internal error occurred' },
} as const satisfies Record<string, { retryable: boolean; title: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** One wrong field: `pointer` is an RFC 6901 JSON pointer into the body (or a header or parameter name). */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

/** An expected failure. `detail` may be shown to the caller; `cause` is for the log only. */
export class SlipstreamError extends Error {
  override readonly name = 'SlipstreamError';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
  /** Further members of the problem (RFC 9457 section 3.2), with the names they have over HTTP. */
  readonly extensions: Readonly<Record<string, string>>;
  /** After how many seconds the same request may succeed; undefined: nobody knows. */
  readonly retryAfterS: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    options: {
      errors?: readonly FieldProblem[];
      extensions?: Readonly<Record<string, string>>;
      retryAfterS?: number;
      cause?: unknown;
    } = {},
  ) {
    super(`${code}: ${detail}`, { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.errors = options.errors ?? [];
    this.extensions = options.extensions ?? {};
    this.retryAfterS = options.retryAfterS;
  }
}

/** The same Idempotency-Key came with another request. */
export function keyReused(): SlipstreamError {
  return new SlipstreamError(
    'idempotency_key_reused',
    'This Idempotency-Key came with another request before; use a new key for a new request.',
  );
}

/** Recognises the error by its shape, so that two copies of this package in one process still agree. */
export function isSlipstreamError(error: unknown): error is SlipstreamError {
  return error instanceof Error && error.name === 'SlipstreamError' && 'code' in error;
}
