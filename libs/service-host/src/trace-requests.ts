import type { OpenSpan, Tracing } from '@slipstream/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Asked every few seconds by whoever watches the service, on nobody's behalf. */
const untraced = new Set(['/livez', '/readyz', '/metrics']);

/**
 * A span for every request. It takes the place of the caller's trace context in the request's headers, so that whatever the
 * request causes lies below it; where the caller sends none, a trace begins here.
 */
export function traceRequests(fastify: FastifyInstance, tracing: Tracing): void {
  const open = new WeakMap<FastifyRequest, OpenSpan>();
  fastify.addHook('onRequest', (request: FastifyRequest, _: FastifyReply, done: () => void) => {
    const { headers, method, routeOptions } = request;
    const route = routeOptions.url ?? '';
    if (!untraced.has(route)) {
      const given = headers.traceparent;
      const span = tracing.begin({
        name: `${method} ${route}`,
        kind: 'server',
        traceparent: typeof given === 'string' ? given : '',
        facts: { 'http.request.method': method, 'http.route': route, 'slipstream.request_id': request.id },
      });
      headers.traceparent = span.traceparent;
      open.set(request, span);
    }
    done();
  });
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const { statusCode } = reply;
    const error = statusCode >= 500 ? new Error(`answered ${statusCode}`) : undefined;
    open.get(request)?.end({ 'http.response.status_code': statusCode }, error);
    done();
  });
}
