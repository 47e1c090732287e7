import { type Instant, instantToMicros } from '@slipstream/kernel';

/**
 * Rule 6: how often a tick is published while somebody waits for it, while he has waited for long or nobody says whether
 * he waits, when something happened that it may tell of, and as a sign of life.
 */
export const tickMs = 50;
export const waitedLongTickMs = 250;
export const busyMs = 1_000;
/** While slips stand in line: whoever lets slips in must see it grow before it is too long. */
export const lineTickMs = 500;
export const heartbeatMs = 5_000;

/** While a time that somebody waits for is so near, a sign of life comes every second: whoever stands still then is seen to. */
const nearMs = 30_000;
/** A tick that comes so much later than it was due tells how long nothing was said. */
const lateMsMin = 2_000;
const silentMsMax = 24 * 3_600_000;

/** How long a wait is served at the full pace, and how long the pace is kept after it: deadlines come in crowds. */
const promptForMs = 2_000;
const lingerMs = 1_000;

export interface PaceInput {
  /** The earliest time somebody waits to see vouched for; null: nobody does; undefined: nobody says, so any may be. */
  readonly awaited: Instant | null | undefined;
  /** Whether something is open that ticks may be needed for; decides alone where nobody says what he waits for. */
  readonly open: boolean;
  /** A clock of an import is moving. */
  readonly importing: boolean;
  /** The least of what was vouched for on the wall clock; null: nothing yet. */
  readonly vouched: Instant | null;
  /** The database's clock. */
  readonly now: Instant;
  readonly monotonicMs: number;
}

/** Since when the present wait goes on, and until when the pace is kept. */
export interface Pace {
  readonly awaited: Instant | null;
  readonly sinceMs: number;
  readonly lingerUntilMs: number;
}

export const startPace: Pace = { awaited: null, sinceMs: 0, lingerUntilMs: 0 };

/**
 * When the next tick is due: soon while somebody waits for a time that has come and is not vouched for; else when the
 * next such time comes, and at the latest with the heartbeat.
 */
export function nextTick(pace: Pace, input: PaceInput): { readonly pace: Pace; readonly inMs: number } {
  const { awaited, now, vouched, monotonicMs } = input;
  if (input.importing) return { pace: { ...pace, lingerUntilMs: monotonicMs + lingerMs }, inMs: tickMs };
  if (awaited === undefined) return { pace, inMs: input.open ? waitedLongTickMs : busyMs };
  const waits = awaited !== null && awaited <= now && (vouched === null || vouched < awaited);
  if (!waits) {
    if (monotonicMs < pace.lingerUntilMs) return { pace, inMs: tickMs };
    if (awaited === null || awaited <= now) return { pace, inMs: heartbeatMs };
    const untilMs = msBetween(now, awaited) + 1;
    return { pace, inMs: Math.min(untilMs > nearMs ? heartbeatMs : busyMs, untilMs) };
  }
  const sinceMs = pace.awaited === awaited ? pace.sinceMs : monotonicMs;
  const prompt = monotonicMs - sinceMs < promptForMs;
  const lingerUntilMs = prompt ? monotonicMs + lingerMs : pace.lingerUntilMs;
  return { pace: { awaited, sinceMs, lingerUntilMs }, inMs: prompt ? tickMs : waitedLongTickMs };
}

/** A tick that was told: the database's clock when it was read, and how long after it the next one was due. */
export interface ToldTick {
  readonly reading: Instant;
  readonly nextInMs: number;
}

/** How long nothing had been said at `reading`, in milliseconds; 0 when the next tick was not due by then, or little before. */
export function silentMs({ reading: told, nextInMs }: ToldTick, reading: Instant): number {
  const ms = msBetween(told, reading);
  return ms - nextInMs > lateMsMin ? Math.min(ms, silentMsMax) : 0;
}

function msBetween(from: Instant, to: Instant): number {
  return Number((instantToMicros(to) - instantToMicros(from)) / 1_000n);
}
