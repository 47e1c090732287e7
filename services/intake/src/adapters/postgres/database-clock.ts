import { addMs, type Instant } from '@slipstream/kernel';

/** A reading that is older is not gone by: the two clocks may have drifted apart. */
const readingMsMax = 60_000;
/** The monotonic clock may run faster than the database's by so much (NTP slews 0.05 % at most). */
const slack = 0.001;

/**
 * The database's clock without asking it: its last reading, and what went by here since that reading was heard. It is
 * somewhat behind and never ahead, unless the clock stepped back or is another database's: whoever goes by it lets the
 * database check that.
 */
export class DatabaseClock {
  readonly #monotonicMs: () => number;
  #reading: Instant | null = null;
  #heardAtMs = 0;

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** null: it must be asked. */
  get now(): Instant | null {
    const wentByMs = this.#monotonicMs() - this.#heardAtMs;
    if (this.#reading === null || wentByMs > readingMsMax) return null;
    return addMs(this.#reading, Math.floor(wentByMs * (1 - slack)));
  }

  /** What is known already stands if it says later: this reading was on its way for longer. */
  heard(reading: Instant): Instant {
    const known = this.now;
    return known !== null && known > reading ? reading : this.becomes(reading);
  }

  /** The clock is not what was thought: nothing that was known of it stands. */
  becomes(reading: Instant): Instant {
    this.#reading = reading;
    this.#heardAtMs = this.#monotonicMs();
    return reading;
  }
}
