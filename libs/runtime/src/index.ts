export { clockSpreadMs, clockTrouble, clockWatch, type SourceClocks, worstClock } from './clock-guard.ts';
export type { GuardedSubscription } from './consumers.ts';
export { type DeadLetterDesk, deadLetterDesk } from './dead-letter-desk.ts';
export {
  integer,
  list,
  oneOf,
  optionalText,
  optionalUrl,
  readEnvironment,
  type Setting,
  type Settings,
  type SettingsOf,
  setting,
  text,
  url,
} from './env.ts';
export { type ErrorSink, errorLog } from './error-log.ts';
export type { Health, HealthCheck } from './health.ts';
export { kafkaSettings } from './kafka-settings.ts';
export { type Part, type PartFailure, startParts, stopParts } from './lifecycle.ts';
export type { LackingRecord } from './log-recovery.ts';
export { every, Loop, type LoopOptions, type Round, slowingDown } from './loop.ts';
export { newId } from './new-id.ts';
export { outboundEvent, outboundOpsEvent } from './outbound-event.ts';
export type { Lacking, Recovery } from './own-log-guard.ts';
export { type PartitionDesk, partitionDesk } from './partition-desk.ts';
export { type OwnLog, openRuntime, type Runtime, type RuntimeOptions } from './runtime.ts';
export type { RuntimeHost } from './runtime-host.ts';
export type { RuntimeSettings } from './servers.ts';
export { givenOrNewTraceContext } from './tracing/new-trace-context.ts';
export type { NewSpan, OpenSpan, SpanFacts, Tracing } from './tracing/tracing.ts';
export { Unwritten } from './unwritten.ts';
export type { WatermarkOptions } from './watermarks.ts';
