import { traceIdOf } from '@slipstream/kernel';
import type { FastifyRequest } from 'fastify';

/** What names a request, as a log needs it. */
export type NamedRequest = Pick<FastifyRequest, 'id' | 'headers' | 'params' | 'routeOptions'>;

/** What every line about a request is found by: its own id, its trace's, and its slip's where the address names one. */
export function logIdsOf({ id, headers, params, routeOptions }: NamedRequest): Record<string, string> {
  const traceId = traceIdOf(headers.traceparent);
  const slipId = slipIn(routeOptions.url ?? '', params as Readonly<Record<string, string>> | undefined);
  return {
    requestId: id,
    ...(traceId !== null && { traceId }),
    ...(slipId !== undefined && { slipId }),
  };
}

function slipIn(route: string, params: Readonly<Record<string, string>> = {}): string | undefined {
  return route.startsWith('/v1/slips/:id') ? params.id : params.slip_id;
}
