import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { type ErrorCode, errorCodes, type FieldProblem, isSlipstreamError } from '@slipstream/kernel';
import { classifyDatabaseError } from '@slipstream/postgres';

/** The HTTP status of every error code. This is the only place that knows. */
export const httpStatuses: Readonly<Record<ErrorCode, number>> = {
  malformed_json: 400,
  malformed_request: 400,
  validation_failed: 422,
  unsupported_media_type: 415,
  payload_too_large: 413,
  idempotency_key_missing: 400,
  idempotency_key_invalid: 400,
  idempotency_key_reused: 422,
  idempotency_in_flight: 409,
  reference_taken: 409,
  reference_on_other_clock: 409,
  route_unknown: 422,
  deadline_in_past: 422,
  account_not_active: 422,
  business_duplicate: 409,
  limit_exceeded: 409,
  statement_refused: 422,
  unauthenticated: 401,
  forbidden: 403,
  same_person: 403,
  signature_invalid: 401,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  already_submitted: 409,
  version_mismatch: 412,
  conflict: 409,
  cursor_invalid: 400,
  position_timeout: 503,
  rate_limited: 429,
  overloaded: 503,
  unavailable: 503,
  undecodable_record: 422,
  too_new: 422,
  internal: 500,
};

/** Codes of statuses that come from the framework; other 4xx are malformed_request, other 5xx internal. */
const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'validation_failed',
  429: 'rate_limited',
  503: 'unavailable',
};

/** Fastify's own errors whose status says too little. */
const codesByFastifyCode: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
};

const retryAfterSDefault = 1;

/** The body of an error answer (RFC 9457) with the registry's `code`. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Names this occurrence; the log has the same request id. */
  readonly instance: string;
  readonly code: ErrorCode;
  readonly errors?: readonly FieldProblem[];
}

export interface Problem {
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
  /** Further members, such as `slip_id` of `reference_taken`. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** For `Retry-After`, where somebody knows it. */
  readonly retryAfterS?: number | undefined;
}

export const problemMediaType = 'application/problem+json';

export function problemOf(code: ErrorCode, detail: string, status = httpStatuses[code]): Problem {
  return { status, code, detail, errors: [] };
}

/** What an error means to the caller. Unknown errors say nothing about themselves. */
export function toProblem(error: unknown): Problem {
  if (isSlipstreamError(error)) {
    const { errors, extensions, retryAfterS } = error;
    return { ...problemOf(error.code, error.detail), errors, extensions, retryAfterS };
  }
  const status = statusOf(error) ?? (isOfServers(error) ? 503 : 500);
  if (status >= 500) {
    if (status === 503) return problemOf('unavailable', 'The service cannot answer now.');
    return problemOf('internal', 'The service failed to handle the request. The failure is logged.');
  }
  const code = codesByFastifyCode[fastifyCodeOf(error)] ?? codesByStatus[status] ?? 'malformed_request';
  return problemOf(code, (error as Error).message, status);
}

/**
 * A database or broker that is away, or too slow, is back soon; one that is not as it must be (a grant, a table, a password) when people
 * have acted. Neither is for the request's sake: the caller may try again.
 */
function isOfServers(error: unknown): boolean {
  const failure = classifyDatabaseError(error);
  return failure === 'transient' || failure === 'setup';
}

/** The status of a Nest HttpException or a Fastify error; null for any other error. */
function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode <= 599 ? statusCode : null;
}

function fastifyCodeOf(error: unknown): string {
  const source = error instanceof HttpException ? error.cause : error;
  return String((source as { code?: unknown } | undefined)?.code ?? '');
}

/** Renders a problem for the request `requestId` (a UUID). */
export function renderProblem(problem: Problem, requestId: string): string {
  return JSON.stringify(renderProblemBody(problem, requestId));
}

/** As it stands in an answer about several things. */
export function renderProblemBody(problem: Problem, requestId: string): ProblemBody {
  const { code, status, detail, errors, extensions } = problem;
  const title =
    status === httpStatuses[code] ? errorCodes[code].title : (STATUS_CODES[status] ?? errorCodes[code].title);
  return {
    ...extensions,
    type: `urn:slipstream:error:${code}`,
    title,
    status,
    detail,
    instance: `urn:uuid:${requestId}`,
    code,
    ...(errors.length > 0 ? { errors } : {}),
  };
}

/** The headers a problem needs besides its type. */
export function problemHeaders({ status, code, retryAfterS }: Problem): Record<string, string> {
  if (status === 429 || status === 503) return { 'retry-after': String(retryAfterS ?? retryAfterSDefault) };
  if (code === 'signature_invalid') return { 'www-authenticate': 'StandardWebhooks' };
  if (code === 'unauthenticated') return { 'www-authenticate': 'Bearer realm="slipstream"' };
  return {};
}
