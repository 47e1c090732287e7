/** What can be borrowed: made when needed, stopped when nobody needs it any more. */
export interface Stoppable {
  stop?(): Promise<void>;
}

/** Up to `max` things of one kind, each used by one caller at a time; more callers wait in order. */
export class Spares<T extends Stoppable> {
  readonly #make: () => T;
  readonly #max: number;
  readonly #idle: T[] = [];
  readonly #waiting: ((spare: T) => void)[] = [];
  #made = 0;

  constructor(make: () => T, max: number) {
    this.#make = make;
    this.#max = max;
  }

  async use<R>(work: (spare: T) => Promise<R>): Promise<R> {
    const spare = await this.#take();
    try {
      return await work(spare);
    } finally {
      this.#give(spare);
    }
  }

  /** Stops what nobody uses. */
  async rest(): Promise<void> {
    const idle = this.#idle.splice(0);
    this.#made -= idle.length;
    await Promise.all(idle.map((spare) => spare.stop?.()));
  }

  async #take(): Promise<T> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#made < this.#max) {
      this.#made++;
      return this.#make();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(spare: T): void {
    const next = this.#waiting.shift();
    if (next) next(spare);
    else this.#idle.push(spare);
  }
}
