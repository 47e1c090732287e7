import { type Clock, type Instant, instantFromMicros, instantToMicros } from '@slipstream/kernel';

/** A clock that moves only when told. */
export interface FakeClock extends Clock {
  /** Moves both readings. Going back is what wall clocks do: `stepMs` does that. */
  advanceMs(ms: number): void;
  /** Moves `now()` alone, also backwards, as a time server would; `monotonicMs()` stays. */
  stepMs(ms: number): void;
}

export function fakeClock(start: Instant = '2026-01-01T00:00:00.000000Z'): FakeClock {
  let micros = instantToMicros(start);
  let monotonic = 0;
  const step = (ms: number) => {
    micros += BigInt(Math.round(ms * 1000));
  };
  return {
    now: () => instantFromMicros(micros),
    monotonicMs: () => monotonic,
    stepMs: step,
    advanceMs(ms) {
      if (ms < 0)
        throw new RangeError('advanceMs goes forward only; use stepMs for a clock that is set back');
      monotonic += ms;
      step(ms);
    },
  };
}
