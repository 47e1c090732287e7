import type { LoggedRecord } from './records.ts';
import type { Selection } from './selection.ts';

/** What was named and had no record so far. */
export interface UnseenNames {
  readonly slips: readonly string[];
  readonly clock: string | null;
}

/** Names that are shown. */
const shownMax = 3;

/** Slips and the clock that were named, until a record is theirs: what nobody has would be replayed as nothing, and all would be well. */
export class Unseen {
  readonly #slips: Set<string>;
  #clock: string | null;

  /** @param before of the replay that goes on: what it had not seen */
  constructor({ slips, clock }: Pick<Selection, 'slips' | 'clock'>, before: UnseenNames | null) {
    this.#slips = new Set(before === null ? slips : before.slips);
    this.#clock = before === null ? clock : before.clock;
  }

  /** Every record that is looked at, whether it is meant or not. */
  see({ key, head }: Pick<LoggedRecord, 'key' | 'head'>): void {
    if (this.#slips.size > 0) this.#slips.delete(head?.slipId ?? key ?? '');
    if (this.#clock !== null && head?.clock === this.#clock) this.#clock = null;
  }

  get names(): UnseenNames {
    return { slips: [...this.#slips], clock: this.#clock };
  }

  /** What is wrong, in a line; null: nothing is. */
  problem(): string | null {
    const told: string[] = [];
    const { slips, clock } = this.names;
    if (slips.length > 0) {
      const more = slips.length > shownMax ? ` and ${slips.length - shownMax} more` : '';
      told.push(
        `${slips.length === 1 ? 'of the slip' : 'of the slips'} ${slips.slice(0, shownMax).join(', ')}${more}`,
      );
    }
    if (clock !== null) told.push(`on the clock ${clock}`);
    return told.length === 0 ? null : `no record that was looked at is ${told.join(', and none is ')}`;
  }
}
