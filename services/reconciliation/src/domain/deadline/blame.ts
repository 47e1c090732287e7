import type { Instant } from '@slipstream/kernel';
import { lagMs } from './blindness.ts';

/** What is heard of one service. */
export interface Heard {
  readonly service: string;
  /** Since it last spoke; Infinity: it never did. */
  readonly ageMs: number;
  /** Up to when it vouches for its events on every partition; null: for nothing. */
  readonly through: Instant | null;
}

/** Every service speaks each five seconds, whatever happens (ADR 18): when none did for longer, none can be heard. */
const spokenMs = 5_300;
const silentMs = 8_000;

/**
 * Who keeps deadlines from being judged. `services`: those that a verdict waits for, upstream first, since one vouches for no more than
 * the one before it does. Whoever is silent is to blame, and where nobody is heard the bus is; then whoever
 * speaks and vouches for too little; and if none does, they were heard and we have not read so far.
 */
export function toBlame(services: readonly Heard[], now: Instant, lagMsMax: number): string {
  const silent = services.filter(({ ageMs }) => ageMs > silentMs);
  if (services.every(({ ageMs }) => ageMs > spokenMs)) return 'kafka';
  const [first] = silent.toSorted((a, b) => b.ageMs - a.ageMs);
  if (first) return first.service;
  const behind = services.find(({ through }) => through === null || lagMs(through, now) > lagMsMax);
  return behind?.service ?? 'reconciliation';
}
