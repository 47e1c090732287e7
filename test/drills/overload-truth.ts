import { type Answered, percentile } from '../benchmarks/http-load.ts';

/** What was seen of a service that got five times what it can do. */
export interface OverloadFacts {
  /** Slips a second that reach their provider when as many as possible wait. */
  readonly sustainedPerS: number;
  readonly half: readonly Answered[];
  readonly flood: readonly Answered[];
  /** Of all services together, at the end of the half load, and the most during the flood. */
  readonly memoryBefore: number;
  readonly memoryMax: number;
  /** From the end of the flood until submissions are taken as quickly as at half load; null: not within the time. */
  readonly recoveredMs: number | null;
  /** Slips that were taken during the flood, and never reached their provider. */
  readonly unserved: number;
}

/** Figures with the limits that they must keep to. */
export interface JudgedOverload {
  readonly sustained_per_s: number;
  readonly half_p99_ms: number;
  readonly admitted: number;
  readonly admitted_p99_ms: number;
  readonly refused: number;
  readonly refused_p99_ms: number;
  /** Refusals without a Retry-After of whole seconds. */
  readonly without_retry_after: number;
  /** Neither taken nor refused for load. */
  readonly other_answers: number;
  readonly memory_growth: number;
  readonly recovered_ms: number | null;
  readonly unserved: number;
  /** What did not hold, in words. */
  readonly faults: readonly string[];
  readonly holds: boolean;
}

/** Of the p99 of those that are let in, against half load. */
const slowdownMax = 3;
/** "Fast" for somebody who is sent away; where the machine itself is slow, as fast as those are answered who are let in. */
const refusedMsMax = 1_000;
const memoryGrowthMax = 2;
const recoveredMsMax = 10_000;
const unservedShareMax = 0.01;

export function judgeOverload(facts: OverloadFacts): JudgedOverload {
  const { half, flood, memoryBefore, memoryMax, recoveredMs, unserved } = facts;
  const admitted = flood.filter(({ status }) => status === 202);
  const refused = flood.filter(({ status }) => status === 429 || status === 503);
  const told = {
    sustained_per_s: round(facts.sustainedPerS),
    half_p99_ms: p99(half.filter(({ status }) => status === 202)),
    admitted: admitted.length,
    admitted_p99_ms: p99(admitted),
    refused: refused.length,
    refused_p99_ms: p99(refused),
    without_retry_after: refused.filter(({ retryAfter }) => !/^[1-9]\d*$/.test(retryAfter ?? '')).length,
    other_answers: half.concat(flood).length - admitted.length - refused.length - taken(half),
    memory_growth: round(memoryMax / memoryBefore),
    recovered_ms: recoveredMs === null ? null : round(recoveredMs),
    unserved,
  };
  const checks: readonly [boolean, string][] = [
    [
      told.admitted > 0 && told.admitted_p99_ms <= slowdownMax * told.half_p99_ms,
      'who was let in waited too long',
    ],
    [told.refused > 0, 'nobody was sent away'],
    [
      told.refused_p99_ms <= Math.max(refusedMsMax, slowdownMax * told.half_p99_ms),
      'who was sent away waited for it',
    ],
    [told.without_retry_after === 0, 'who was sent away was not told until when'],
    [told.other_answers === 0, 'there were other answers'],
    [told.memory_growth <= memoryGrowthMax, 'memory grew'],
    [recoveredMs !== null && recoveredMs <= recoveredMsMax, 'it did not recover'],
    [unserved <= unservedShareMax * admitted.length, 'what was taken was not served'],
  ];
  const faults = checks.flatMap(([holds, fault]) => (holds ? [] : fault));
  return { ...told, faults, holds: faults.length === 0 };
}

function taken(answers: readonly Answered[]): number {
  return answers.filter(({ status }) => status === 202).length;
}

/** 0 of none. */
function p99(answers: readonly Answered[]): number {
  if (answers.length === 0) return 0;
  return round(percentile(Float64Array.from(answers, ({ latencyMs }) => latencyMs).sort(), 99));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
