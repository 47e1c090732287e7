import type { CallerIdentity } from '@slipstream/identity';
import { isTraceContext, nameProblem, SlipstreamError } from '@slipstream/kernel';
import { Parameters, preferredLanguage, type ServiceRequest, versionInTag } from '@slipstream/service-host';
import { type Language, languages } from './remedies.ts';

/** Under which name a caller owns slips. @throws SlipstreamError forbidden for a token whose subject cannot be one */
export function callerName({ subject }: CallerIdentity): string {
  const problem = nameProblem(subject);
  if (problem !== null) throw new SlipstreamError('forbidden', `The token's subject ${problem}.`);
  return subject;
}

/** W3C trace context, so that the slip's events belong to the caller's trace; the host begins one where none is given. */
export function traceparentOf(request: ServiceRequest): string | null {
  const { traceparent } = request.headers;
  return isTraceContext(traceparent) ? traceparent : null;
}

/**
 * The version that an If-Match header names (RFC 9110 section 13.1.1); null: any. @throws SlipstreamError
 * malformed_request for a header that names no version of a slip, or several
 */
export function ifVersionOf({ headers }: ServiceRequest): number | null {
  const value = headers['if-match'];
  if (value === undefined || value === '*') return null;
  const version = versionInTag(String(value));
  if (version !== null) return version;
  const detail = 'must be the ETag of an answer, like "1", or *';
  throw new SlipstreamError('malformed_request', 'The If-Match header cannot be used.', {
    errors: [{ pointer: 'If-Match', detail }],
  });
}

/**
 * Whether the request only asks what would happen. Looks at all parameters; the usual request has none.
 * @throws SlipstreamError malformed_request for another value or parameter
 */
export function dryRunOf({ query }: ServiceRequest): boolean {
  const parameters = new Parameters(query, ['dry_run']);
  return parameters.oneOf('dry_run', ['true', 'false']) === 'true';
}

/** In which language a refusal says what helps. */
export function languageOf({ headers }: ServiceRequest): Language {
  return preferredLanguage(headers['accept-language'], languages);
}
