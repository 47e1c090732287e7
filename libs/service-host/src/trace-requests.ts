import { givenOrNewTraceContext, type OpenSpan, type Tracing } from '@slipstream/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Asked every few seconds by whoever watches the service, on nobody's behalf. */
const untraced = new Set(['/livez', '/readyz', '/metrics']);

type Done = () => void;

/**
 * Every request has a trace context in its headers, so that whatever it causes, and each line about it, is found by one id: the
 * caller's, or one that begins here. With `tracing` a span takes its place, and what the request causes lies below it.
 */
export function traceRequests(fastify: FastifyInstance, tracing: Tracing | null): void {
  const open = new WeakMap<FastifyRequest, OpenSpan>();
  fastify.addHook('onRequest', (request: FastifyRequest, _: FastifyReply, done: Done) => {
    const { headers, method, routeOptions } = request;
    const route = routeOptions.url ?? '';
    if (!untraced.has(route)) {
      if (tracing === null) headers.traceparent = givenOrNewTraceContext(headers.traceparent);
      else {
        const span = begin(tracing, request, route === '' ? method : `${method} ${route}`);
        headers.traceparent = span.traceparent;
        open.set(request, span);
      }
    }
    done();
  });
  if (tracing === null) return;
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done: Done) => {
    const { statusCode } = reply;
    const error = statusCode >= 500 ? new Error(`answered ${statusCode}`) : undefined;
    const failed = error && { 'error.type': String(statusCode) };
    open.get(request)?.end({ 'http.response.status_code': statusCode, ...failed }, error);
    done();
  });
}

function begin(
  tracing: Tracing,
  { headers, method, routeOptions, id, url }: FastifyRequest,
  name: string,
): OpenSpan {
  const given = headers.traceparent;
  return tracing.begin({
    ...{ name, kind: 'server', traceparent: typeof given === 'string' ? given : '' },
    facts: {
      'http.request.method': method,
      // Of an address that nobody answers there is no route.
      ...(routeOptions.url !== undefined && { 'http.route': routeOptions.url }),
      'url.path': url.split('?', 1)[0] ?? '',
      'url.scheme': 'http',
      'slipstream.request_id': id,
    },
  });
}
