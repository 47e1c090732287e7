/** What a span says of itself beside its name; the names are those of OpenTelemetry's semantic conventions. */
export type SpanFacts = Readonly<Record<string, string | number>>;

export interface NewSpan {
  readonly name: string;
  /** `server`: a request that came in; `client`: one that is made; `producer`: a record that is sent; `consumer`: one that is handled. */
  readonly kind: 'server' | 'client' | 'producer' | 'consumer';
  /** W3C trace context of what caused it; '' or no trace context: it is the first of a new trace. */
  readonly traceparent: string;
  readonly facts: SpanFacts;
}

/** Something that has begun and will end. */
export interface OpenSpan {
  /** The trace context for what it causes. */
  readonly traceparent: string;
  /** `error`: what it failed with. */
  end(facts?: SpanFacts, error?: unknown): void;
}

/** Tells a collector what was done when, and on whose behalf. A service without a collector has none of it. */
export interface Tracing {
  begin(span: NewSpan): OpenSpan;
  /** Sends what has ended; what no collector takes by then is lost. */
  stop(): Promise<void>;
}
