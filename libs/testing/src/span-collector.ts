import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it came. */
export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** '' where a trace begins. */
  readonly parentSpanId: string;
  readonly facts: Readonly<Record<string, string>>;
  /** 2: it ended with an error. */
  readonly statusCode: number;
  readonly startedNs: bigint;
  readonly endedNs: bigint;
}

/** An OpenTelemetry collector (OTLP/HTTP, JSON) that keeps what it is told. */
export interface SpanCollector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  close(): Promise<void>;
}

interface Fact {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface SentSpan extends Omit<CollectedSpan, 'facts' | 'statusCode' | 'service' | 'startedNs' | 'endedNs'> {
  readonly attributes: readonly Fact[];
  readonly status?: { readonly code?: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Fact[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

export async function startSpanCollector(): Promise<SpanCollector> {
  const spans: CollectedSpan[] = [];
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    const isRight = request.url === '/v1/traces' && request.headers['content-type'] === 'application/json';
    if (isRight) spans.push(...spansOf(JSON.parse(body) as Sent));
    response.writeHead(isRight ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function spansOf({ resourceSpans }: Sent): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = facts(resource.attributes)['service.name'] ?? '';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, kind, traceId, spanId, parentSpanId = '', ...rest }) => ({
        ...{ service, name, kind, traceId, spanId, parentSpanId },
        facts: facts(rest.attributes),
        statusCode: rest.status?.code ?? 0,
        startedNs: BigInt(rest.startTimeUnixNano),
        endedNs: BigInt(rest.endTimeUnixNano),
      })),
    );
  });
}

function facts(attributes: readonly Fact[]): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
}
