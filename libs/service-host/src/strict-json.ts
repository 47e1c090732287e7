import { isUtf8 } from 'node:buffer';
import { SlipstreamError, strictJson } from '@slipstream/kernel';

/**
 * Parses a JSON body in UTF-8 as strictly as {@link strictJson} does.
 * @throws {SlipstreamError} malformed_json
 */
export function parseStrictJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw malformed('The body is not valid UTF-8.');
  const parsed = strictJson(bytes.toString('utf8'));
  if (!parsed.ok) throw malformed(parsed.error);
  return parsed.value;
}

function malformed(detail: string): SlipstreamError {
  return new SlipstreamError('malformed_json', detail);
}
