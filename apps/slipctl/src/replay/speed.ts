import { type Instant, instantToMs } from '@slipstream/kernel';

/** How many times as fast as it happened; null: as fast as possible. */
export type Speed = number | null;

/** `max`, `real`, `10x`, `0.5x`; undefined: it is none. */
export function parseSpeed(text: string): Speed | undefined {
  if (text === 'max') return null;
  if (text === 'real') return 1;
  const match = /^(\d{1,6}(?:\.\d{1,3})?)x$/.exec(text);
  const times = Number(match?.[1] ?? 0);
  return times > 0 ? times : undefined;
}

/** The clock of a replay: it stands where the first record was, and goes on at its own speed. */
export class ReplayClock {
  readonly #speed: Speed;
  readonly #nowMs: () => number;
  #begun: { readonly nowMs: number; readonly timeMs: number } | null = null;

  constructor(speed: Speed, nowMs: () => number) {
    this.#speed = speed;
    this.#nowMs = nowMs;
  }

  /** How long it is until then; 0: it is over. */
  waitMs(time: Instant): number {
    if (this.#speed === null) return 0;
    const timeMs = instantToMs(time);
    this.#begun ??= { nowMs: this.#nowMs(), timeMs };
    const dueMs = this.#begun.nowMs + (timeMs - this.#begun.timeMs) / this.#speed;
    return Math.max(0, dueMs - this.#nowMs());
  }
}
