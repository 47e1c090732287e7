import type { ConnectionOptions } from 'node:tls';
import { Repeats } from '@slipstream/kernel';
import { Kafka, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';
import { jsonLog, type Log } from './log.ts';
import './empty-batches.ts';
import './quiet-request-queue.ts';
import './record-headers.ts';
import './refused-groups.ts';
import { wholeAnswers } from './whole-answers.ts';

/** The Kafka client of this library; its other modules take it, nobody else looks inside. */
export type KafkaClient = Kafka;

export interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly log?: Log;
  /** TLS: `true` trusts whom Node trusts; else what `tls.connect` takes (`ca`, `cert`, `key`). Absent: in the clear. */
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SaslOptions;
  /** How often kafkajs itself repeats a connection; fewer where the caller has a limit of its own. */
  readonly connectionRetries?: number;
}

/** How the client proves who it is. `plain` shows the password to whoever listens: only with `ssl`. */
export interface SaslOptions {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** Longest wait for one connection and for one answer: kafkajs's defaults are 1 s and 30 s. */
export const connectionTimeoutMs = 3_000;
export const requestTimeoutMs = 10_000;

/** Explicit everywhere: kafkajs' own defaults differ between tests, producers and consumers. */
export const retryOptions = {
  initialRetryTime: 100,
  multiplier: 2,
  factor: 0.2,
  maxRetryTime: 2_000,
  retries: 8,
} as const;

export function createKafka(options: KafkaOptions): KafkaClient {
  const { brokers, clientId, log = jsonLog, ssl, sasl, connectionRetries } = options;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry: { ...retryOptions, retries: connectionRetries ?? retryOptions.retries },
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl: { ...sasl } as SASLOptions }),
    socketFactory: wholeAnswers,
    logLevel: logLevel.WARN,
    logCreator: () => forwarder(log),
  });
}

/** Said by kafkajs at every start or rebalance though nothing is wrong. */
const noise = [
  'Limiting retries for the idempotent producer', // bounded on purpose: the producer is replaced instead (K17)
  'The group is rebalancing, re-joining',
];

/** Of a broker that was started a moment ago: kafkajs asks again by itself, and nothing is wrong unless that goes on. */
const passing = /coordinator is (?:not available|loading)|^Restarting the consumer/;

/** Passes kafkajs' lines on; while a broker is away it says the same several times a second, which is said once. */
export function forwarder(log: Log): (entry: LogEntry) => void {
  const repeats = new Repeats();
  return ({ level, namespace, log: { timestamp: _, logger: __, message, ...fields } }) => {
    const text = `kafka ${namespace}: ${message}`;
    if (noise.some((start) => message.startsWith(start))) return;
    const unsaid = repeats.note(text, performance.now());
    if (unsaid === null) return;
    if (unsaid > 0) Object.assign(fields, { unsaid });
    const isPassing = passing.test(message) || passing.test(String(fields.error ?? ''));
    if (level <= logLevel.ERROR && !isPassing) log.error(text, fields);
    else if (level <= logLevel.WARN) log.warn(text, fields);
    else log.info(text, fields);
  };
}
