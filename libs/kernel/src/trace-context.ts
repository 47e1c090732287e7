const traceContext = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** Whether a text is a `traceparent` (W3C Trace Context, section 3.2.2): ids of zeros alone and version ff are none. */
export function isTraceContext(text: unknown): text is string {
  return typeof text === 'string' && traceContext.test(text);
}

/** 32 hexadecimal digits; null: it is no trace context. */
export function traceIdOf(traceparent: unknown): string | null {
  return isTraceContext(traceparent) ? traceparent.slice(3, 35) : null;
}
