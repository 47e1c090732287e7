import { isUuid, SlipstreamError } from '@slipstream/kernel';
import {
  callerOf,
  idempotencyKeyOf,
  rejectUnknownQuery,
  type ServiceRequest,
} from '@slipstream/service-host';
import type { ChangeRequest } from '../../application/change-slip.ts';
import { digestOf } from '../../application/submission-digest.ts';
import type { Wish } from '../../domain/waiting/decide-change.ts';
import { callerName, ifVersionOf, traceparentOf } from './request.ts';

export const keyHeader = {
  ...{ name: 'Idempotency-Key', required: true },
  schema: { type: 'string' as const, maxLength: 255 },
};
export const versionHeader = {
  ...{ name: 'If-Match', required: false, schema: { type: 'string' as const } },
  description: 'The ETag of the slip as the caller has seen it; 412 when it has changed since',
};

/** A command on the slip `id`, as its request says it. @throws SlipstreamError for whatever cannot be one */
export function changeRequestOf(
  id: string,
  request: ServiceRequest,
  wishOf: (by: string) => Wish,
): ChangeRequest {
  const key = idempotencyKeyOf(request);
  rejectUnknownQuery(request.query, []);
  const caller = callerName(callerOf(request));
  const wish = wishOf(caller);
  if (!isUuid(id)) throw new SlipstreamError('not_found', 'There is no such slip for you.');
  const slipId = id.toLowerCase();
  return {
    ...{ slipId, caller, key, wish, digest: digestOf([slipId, wish]) },
    ...{ ifVersion: ifVersionOf(request), traceparent: traceparentOf(request) },
  };
}
