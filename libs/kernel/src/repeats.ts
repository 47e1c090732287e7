/** Texts that are remembered at the same time; one more, and all are said anew. */
const textsMax = 200;

/**
 * What fails at every tick says the same many times a second. Each text is said once; while it goes on coming, again
 * after `everyMs`, with the number of times it was not said meanwhile.
 */
export class Repeats {
  readonly #everyMs: number;
  readonly #said = new Map<string, { atMs: number; unsaid: number }>();

  constructor(everyMs = 10_000) {
    this.#everyMs = everyMs;
  }

  /**
   * @param nowMs on any clock that never goes back
   * @returns null: not to be said now; else how often it came unsaid since the last time
   */
  note(text: string, nowMs: number): number | null {
    const known = this.#said.get(text);
    if (known && nowMs - known.atMs < this.#everyMs) {
      known.unsaid++;
      return null;
    }
    if (!known && this.#said.size >= textsMax) this.#said.clear();
    this.#said.set(text, { atMs: nowMs, unsaid: 0 });
    return known?.unsaid ?? 0;
  }
}
