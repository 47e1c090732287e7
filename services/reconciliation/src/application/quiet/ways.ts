/** A route, and the provider that a slip was given to on it; '': none yet. */
export type Way = readonly [route: string, provider: string];

/** More are not told apart. */
const waysMax = 65_535;

/** The ways of slips as small numbers; 0: nobody knows it. */
export class Ways {
  readonly #ways: Way[] = [['', '']];
  readonly #numbers = new Map<string, number>();

  constructor(ways: Iterable<Way> = []) {
    for (const [route, provider] of ways) this.numberOf(route, provider);
  }

  numberOf(route: string, provider: string): number {
    const name = `${route} ${provider}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#ways.length > waysMax) return 0;
    this.#numbers.set(name, this.#ways.length);
    return this.#ways.push([route, provider]) - 1;
  }

  at(number: number): Way {
    return this.#ways[number]!;
  }

  /** In the order of their numbers, without the first. */
  all(): readonly Way[] {
    return this.#ways.slice(1);
  }
}
