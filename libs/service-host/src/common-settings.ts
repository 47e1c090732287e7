import { hostname } from 'node:os';
import { parseKeySet } from '@slipstream/identity';
import { err, ok, type Result } from '@slipstream/kernel';
import {
  integer,
  kafkaSettings,
  list,
  oneOf,
  optionalUrl,
  type SettingsOf,
  setting,
  text,
  url,
} from '@slipstream/runtime';

/** Log levels from quiet to talkative: each includes the ones before it. */
export const logLevels = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;

/** The settings every service has. Spread them into the service's own: `readEnvironment({ ...commonSettings, … })`. */
export const commonSettings = {
  port: integer(
    'PORT',
    'TCP port of the HTTP API; 0 takes any free port, which the ready line on stdout then names',
    {
      min: 0,
      max: 65_535,
    },
  ),
  host: text(
    'HOST',
    'address the HTTP API listens on; with 0.0.0.0 other machines can reach it',
    '127.0.0.1',
  ),
  kafkaBrokers: list(
    'KAFKA_BROKERS',
    'host:port of Kafka brokers, comma-separated; the service is not ready until one answers',
    /^[^\s:,]+:\d{1,5}$/,
  ),
  ...kafkaSettings,
  databaseUrl: url(
    'DATABASE_URL',
    "URL of this service's own PostgreSQL database and role; sharing one between services breaks isolation; `?sslmode=verify-full` speaks TLS, and `&sslrootcert=` names whom to trust, a PEM file",
    ['postgres', 'postgresql'],
  ),
  migrationUrl: optionalUrl(
    'MIGRATION_DATABASE_URL',
    'URL of the same database with the role that owns its tables, which migrates and grants; without it the role of DATABASE_URL must own them, or everything must be applied already',
    ['postgres', 'postgresql'],
  ),
  configFile: text(
    'SLIPSTREAM_CONFIG',
    'path of slipstream.config.yaml; the service refuses to start when the file breaks a rule',
  ),
  jwks: setting(
    'SLIPSTREAM_JWKS',
    'JSON Web Key Set with the public keys whose tokens are accepted; every other token gets 401',
    parseKeySet,
  ),
  jwtIssuer: text('SLIPSTREAM_JWT_ISSUER', 'required `iss` of a token; a token of another issuer gets 401'),
  jwtAudience: text(
    'SLIPSTREAM_JWT_AUDIENCE',
    'required `aud` of a token; a token made for another system gets 401',
  ),
  logLevel: oneOf(
    'LOG_LEVEL',
    'least severe entries that are logged; debug and verbose cost throughput',
    logLevels,
    'log',
  ),
  drainTimeoutMs: integer(
    'DRAIN_TIMEOUT_MS',
    'time a stopping service has to finish its work; when it is over the process exits with code 1',
    { min: 100, max: 600_000 },
    20_000,
  ),
  instanceId: text(
    'INSTANCE_ID',
    'name of this instance in logs, leases and consumer groups; kept over restarts, it takes over at once what it left behind; of two live instances that share it the later takes over from the earlier at its start, each time',
    `${hostname()}-${process.pid}`,
  ),
  otlpEndpoint: optionalUrl(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'URL of an OpenTelemetry collector (OTLP/HTTP, without /v1/traces) that is told of requests, of calls to providers and of records sent and handled; without it there are no spans, and nothing of them is loaded; traces begin all the same (ADR 99), not sampled, so that no other service tells of them',
    ['http', 'https'],
  ),
  traceRatio: setting(
    'OTEL_TRACES_SAMPLER_ARG',
    'share of the traces that begin here which are told, 0 to 1; a caller with a trace context says that itself',
    parseShare,
    1,
  ),
} as const;

function parseShare(raw: string): Result<number, string> {
  const share = Number(raw);
  return share >= 0 && share <= 1 ? ok(share) : err('must be a number from 0 to 1');
}

type Read = SettingsOf<typeof commonSettings>;
type Optional = keyof typeof kafkaSettings | 'migrationUrl' | 'otlpEndpoint' | 'traceRatio';
export type CommonSettings = Omit<Read, Optional> & Partial<Pick<Read, Optional>>;

/** The part of the common settings that the HTTP host itself uses. */
export type HostSettings = Pick<
  CommonSettings,
  'port' | 'host' | 'jwks' | 'jwtIssuer' | 'jwtAudience' | 'logLevel' | 'drainTimeoutMs' | 'instanceId'
>;
