export { Caller, callerOf, Public, Scopes } from './auth.ts';
export { type CommonSettings, commonSettings, type HostSettings } from './common-settings.ts';
export { EventStreams, streamLimits, streamType } from './event-stream.ts';
export { HealthRegistry } from './health.ts';
export type { Host } from './host.ts';
export type { HttpLimits, ServiceRequest } from './http-server.ts';
export { dryRunKeyHeader, idempotencyKeyOf } from './idempotency-key.ts';
export { type JsonValue, toSnakeJson } from './json.ts';
export { preferredLanguage } from './language.ts';
export {
  ApiList,
  answerList,
  isPlaceOf,
  type List,
  type ListReply,
  type ListRequest,
  listParameters,
  Offers,
} from './lists.ts';
export { rejectUnknownQuery } from './pagination.ts';
export { Parameters, unusable } from './parameters.ts';
export { httpStatuses, type Problem, type ProblemBody, renderProblemBody, toProblem } from './problem.ts';
export { RawBody } from './raw-body.ts';
export { runService } from './run-service.ts';
export * as schemas from './schemas.ts';
export { describedNote, describedWords, readNote, textProblem, wordsProblem } from './second-person.ts';
export { createService, type Service, type ServiceOptions } from './service.ts';
export { checkObject, type FieldChecks, isObject } from './validation.ts';
export { versionInTag, versionTag } from './version-tag.ts';
