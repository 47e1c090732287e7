export { cert, key } from './certificate.ts';
export { fillTables } from './fill-tables.ts';
export { type KafkaProxy, startKafkaProxy } from './kafka-proxy.ts';
export { Plans, type Scan } from './plans.ts';
export { type CollectedSpan, type SpanCollector, startSpanCollector } from './span-collector.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
export { type WaitOptions, waitFor } from './wait-for.ts';
