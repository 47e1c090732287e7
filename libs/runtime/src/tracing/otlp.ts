import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { parseTraceParent, setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { NewSpan, OpenSpan, SpanFacts, Tracing } from './tracing.ts';

export interface OtlpOptions {
  /** Of the collector, as OpenTelemetry has it: `/v1/traces` is added. */
  readonly endpoint: string;
  readonly service: string;
  readonly instance: string;
  /** Of new traces; those that come from outside say themselves whether they are told. 0 to 1. */
  readonly ratio: number;
  /** The collector could not be told something; it is not told again. */
  readonly onError: (error: unknown) => void;
}

/** How long a stop waits for a collector. */
const stopTimeoutMs = 3_000;
const exportTimeoutMs = 5_000;
/** Spans beyond this many that wait for the collector are dropped: nothing waits for it, and memory is bounded. */
const queueMax = 8_192;
const batchMax = 512;
const batchDelayMs = 1_000;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** OpenTelemetry's own SDK, over OTLP/HTTP. Loaded by whoever has a collector, and by nobody else. */
export function otlpTracing({ endpoint, service, instance, ratio, onError }: OtlpOptions): Tracing {
  setGlobalErrorHandler(onError);
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMs });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.namespace': 'slipstream',
      'service.instance.id': instance,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        ...{ maxQueueSize: queueMax, maxExportBatchSize: batchMax },
        ...{ scheduledDelayMillis: batchDelayMs, exportTimeoutMillis: exportTimeoutMs },
      }),
    ],
  });
  const tracer = provider.getTracer('slipstream');
  return {
    begin({ name, kind, traceparent, facts }: NewSpan): OpenSpan {
      const parent = traceparent === '' ? null : parseTraceParent(traceparent);
      const context = parent
        ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true })
        : ROOT_CONTEXT;
      return openSpan(tracer.startSpan(name, { kind: kinds[kind], attributes: { ...facts } }, context));
    },
    async stop() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        const why = `the collector did not take the last spans within ${stopTimeoutMs} ms`;
        timer = setTimeout(() => reject(new Error(why)), stopTimeoutMs);
      });
      // Nobody's work is lost with them.
      await Promise.race([provider.shutdown(), late]).catch(onError);
      clearTimeout(timer);
    },
  };
}

function openSpan(span: Span): OpenSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags & TraceFlags.SAMPLED ? '01' : '00'}`,
    end(facts?: SpanFacts, error?: unknown) {
      if (facts) span.setAttributes({ ...facts });
      if (error !== undefined) {
        const message = error instanceof Error ? error.message : String(error);
        span.setStatus({ code: SpanStatusCode.ERROR, message });
      }
      span.end();
    },
  };
}
