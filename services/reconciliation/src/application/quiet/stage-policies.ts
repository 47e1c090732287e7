import type { StagePolicy } from '@slipstream/slip';

/** More are not told apart: their slips' stages are not watched. */
const policiesMax = 255;

/** The limits that slips' stages have, as small numbers; 0: they have none. There are as many as rules were changed while slips are open. */
export class StagePolicies {
  readonly #policies: StagePolicy[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(policies: Iterable<StagePolicy> = []) {
    for (const policy of policies) this.numberOf(policy);
  }

  numberOf(policy: StagePolicy): number {
    const name = JSON.stringify(policy);
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#policies.length >= policiesMax) return 0;
    const number = this.#policies.push(policy);
    this.#numbers.set(name, number);
    return number;
  }

  at(number: number): StagePolicy {
    return this.#policies[number - 1]!;
  }

  /** In the order of their numbers. */
  all(): readonly StagePolicy[] {
    return this.#policies;
  }
}
