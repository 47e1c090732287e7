export { Caller, Public, Scopes } from './auth.ts';
export { type CommonSettings, commonSettings, type HostSettings } from './common-settings.ts';
export {
  integer,
  list,
  oneOf,
  optionalText,
  readEnvironment,
  type Setting,
  type Settings,
  type SettingsOf,
  setting,
  text,
  url,
} from './env.ts';
export { type Health, type HealthCheck, HealthRegistry } from './health.ts';
export { DRAINING, type Host } from './host.ts';
export type { HttpLimits } from './http-server.ts';
export { IdempotencyKey, parseIdempotencyKey } from './idempotency-key.ts';
export { type JsonValue, toSnakeJson } from './json.ts';
export { type Part, type PartFailure, startParts, stopParts } from './lifecycle.ts';
export {
  decodeCursor,
  encodeCursor,
  linkHeader,
  type Page,
  pageSizeDefault,
  pageSizeMax,
  parsePageSize,
  rejectUnknownQuery,
} from './pagination.ts';
export { httpStatuses, type ProblemBody } from './problem.ts';
export { RawBody } from './raw-body.ts';
export {
  type DetectionRules,
  loadRules,
  type ProviderRules,
  parseRules,
  type RouteRules,
  type Rules,
} from './rules.ts';
export { runService } from './run-service.ts';
export { outboundEvent } from './runtime/outbound-event.ts';
export { openRuntime, type Runtime, type RuntimeOptions, type WatermarkOptions } from './runtime/runtime.ts';
export { createService, type Service, type ServiceOptions } from './service.ts';
export { StartError } from './start-error.ts';
export { type CallerIdentity, createTokenVerifier, type VerifyToken } from './token.ts';
