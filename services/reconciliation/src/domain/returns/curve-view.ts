import { ageOf, returnedBy } from './curve.ts';
import type { Lane } from './returns-watch.ts';

/** How long outcomes take of one provider on one route. Times of a wait in milliseconds, at most 19 % too long. */
export interface CurveView {
  readonly provider: string;
  readonly route: string;
  /** Slips that it was learned from; older ones count less. */
  readonly slips: number;
  /** By when half of all slips had returned, and so on; null: so many never did. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  /** The deadline by which nearly all have returned that ever do, and the share that has not by then; null: none has. */
  readonly suggestedDeadlineMs: number | null;
  readonly notReturnedRate: number | null;
  /** Since when too little comes back; null: it does. Milliseconds since 1970. */
  readonly fallingSince: number | null;
}

/** Of those that ever return, this share has returned by the suggested deadline. */
const nearlyAll = 0.999;

export function curveView({ provider, route, curve, falling }: Lane): CurveView {
  const ever = curve.back.at(-1) ?? 0;
  const suggested = ever > 0 ? ageOf(curve, nearlyAll * ever) : null;
  return {
    ...{ provider, route, slips: Math.round(curve.slips) },
    ...{ p50Ms: ageOf(curve, 0.5), p90Ms: ageOf(curve, 0.9) },
    ...{ p99Ms: ageOf(curve, 0.99), p999Ms: ageOf(curve, 0.999) },
    suggestedDeadlineMs: suggested,
    notReturnedRate: suggested === null ? null : rounded(1 - returnedBy(curve, suggested)),
    fallingSince: falling?.since ?? null,
  };
}

/** To parts of a million. */
function rounded(share: number): number {
  return Math.round(share * 1e6) / 1e6;
}
