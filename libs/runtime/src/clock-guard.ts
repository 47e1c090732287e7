import type { Source } from '@slipstream/contracts';
import type { SourceClock } from '@slipstream/kafka';
import { wallClock } from '@slipstream/slip';

/** The clocks of the services' databases, as their ticks tell them. */
export interface SourceClocks {
  sourceClock(source: Source, clock: string): SourceClock;
}

/** How far the clocks of these services' databases and the broker's lie apart, in milliseconds; unknown ones are left out. */
export function clockSpreadMs(clocks: SourceClocks, sources: readonly Source[]): number {
  const skews = sources.map((source) => clocks.sourceClock(source, wallClock).skewMs ?? 0);
  return Math.max(0, ...skews) - Math.min(0, ...skews);
}

/**
 * Why the clocks cannot be trusted, in a sentence; null: they can. They lie further apart than `skewMsMax`, or one has
 * stepped back by more, so that what it vouched for lies ahead of it (rule 6).
 */
export function clockTrouble(
  clocks: SourceClocks,
  sources: readonly Source[],
  skewMsMax: number,
): string | null {
  const back = sources.find((source) => clocks.sourceClock(source, wallClock).steppedBackMs > skewMsMax);
  if (back !== undefined) {
    const ms = Math.round(clocks.sourceClock(back, wallClock).steppedBackMs);
    return `the clock of ${back}'s database stepped back: what it vouched for lies ${ms} ms ahead of it`;
  }
  const spreadMs = clockSpreadMs(clocks, sources);
  if (spreadMs <= skewMsMax) return null;
  const [worst] = sources.toSorted((a, b) => offBy(clocks, b) - offBy(clocks, a));
  const skewMs = Math.round(clocks.sourceClock(worst!, wallClock).skewMs ?? 0);
  const where = `${Math.abs(skewMs)} ms ${skewMs > 0 ? 'ahead of' : 'behind'} the broker's`;
  return `clocks lie ${Math.round(spreadMs)} ms apart (${skewMsMax} are allowed): that of ${worst}'s database is ${where}`;
}

/** Of these services the one whose database's clock is furthest off; it stepped back, or lies furthest from the broker's. */
export function worstClock(clocks: SourceClocks, sources: readonly Source[]): Source {
  const off = (source: Source) => offBy(clocks, source) + clocks.sourceClock(source, wallClock).steppedBackMs;
  return sources.reduce((worst, source) => (off(source) > off(worst) ? source : worst));
}

/** As {@link clockTrouble}, and `log` is told when trouble begins and ends. */
export function clockWatch(
  clocks: SourceClocks,
  sources: readonly Source[],
  skewMsMax: number,
  log: (message: string) => void,
): () => string | null {
  let known: string | null = null;
  return () => {
    const trouble = clockTrouble(clocks, sources, skewMsMax);
    if (known === null && trouble !== null) log(trouble);
    if (known !== null && trouble === null) log('the clocks agree again');
    known = trouble;
    return trouble;
  };
}

function offBy(clocks: SourceClocks, source: Source): number {
  return Math.abs(clocks.sourceClock(source, wallClock).skewMs ?? 0);
}
