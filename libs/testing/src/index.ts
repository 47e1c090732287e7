export { type KafkaProxy, startKafkaProxy } from './kafka-proxy.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
export { type WaitOptions, waitFor } from './wait-for.ts';
