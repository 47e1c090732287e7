import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type SpanCollector, startSpanCollector } from '@slipstream/testing';
import { otlpTracing } from './otlp.ts';

let collector: SpanCollector;
beforeEach(async () => {
  collector = await startSpanCollector();
});
afterEach(() => collector.close());

const told: unknown[] = [];
const options = {
  ...{ service: 'ledger', instance: 'l-1', ratio: 1 },
  onError: (error: unknown) => void told.push(error),
};
const span = { name: 'a', kind: 'server' as const, traceparent: '', facts: {} };

test('what has ended is at the collector when tracing has stopped, with its end and its error', async () => {
  const tracing = otlpTracing({ ...options, endpoint: `${collector.url}/` });
  const above = tracing.begin({ ...span, facts: { first: 1 } });
  const below = tracing.begin({ ...span, name: 'b', kind: 'producer', traceparent: above.traceparent });
  below.end(undefined, new Error('the broker is away'));
  above.end({ last: 'x' });
  tracing.begin({ ...span, name: 'never ended' });
  await tracing.stop();
  const [b, a] = collector.spans;
  expect(collector.spans).toHaveLength(2);
  expect(a).toMatchObject({
    ...{ service: 'ledger', name: 'a', kind: 2, parentSpanId: '', statusCode: 0 },
    facts: { first: '1', last: 'x' },
  });
  expect(b).toMatchObject({
    name: 'b',
    kind: 4,
    traceId: a!.traceId,
    parentSpanId: a!.spanId,
    statusCode: 2,
  });
  expect(above.traceparent).toBe(`00-${a!.traceId}-${a!.spanId}-01`);
});

test('of new traces the share that is wanted is told; what the caller tells is told all the same', async () => {
  const tracing = otlpTracing({ ...options, endpoint: collector.url, ratio: 0 });
  const begun = tracing.begin(span);
  begun.end();
  expect(begun.traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
  for (const flag of ['01', '00']) tracing.begin({ ...span, traceparent: `${given}-${flag}` }).end();
  await tracing.stop();
  expect(collector.spans.map(({ traceId }) => traceId)).toEqual(['0af7651916cd43dd8448eb211c80319c']);
});

test('what is no trace context is none', async () => {
  const tracing = otlpTracing({ ...options, endpoint: collector.url });
  for (const traceparent of ['x', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`])
    tracing.begin({ ...span, traceparent }).end();
  await tracing.stop();
  expect(collector.spans.map(({ parentSpanId }) => parentSpanId)).toEqual(['', '']);
});

test('a collector that is away is told of, and keeps nobody from stopping', async () => {
  const tracing = otlpTracing({ ...options, endpoint: 'http://127.0.0.1:1' });
  tracing.begin(span).end();
  await tracing.stop();
  expect(String(told.at(-1))).toMatch(/ECONNREFUSED|did not take the last spans/);
});
