import type { Step } from '../../domain/returns/cohort.ts';
import { bucketOf } from '../../domain/returns/curve.ts';
import type { Flight } from '../../domain/returns/flight.ts';
import { cohortMs, slotOf } from '../../domain/returns/settings.ts';

/** A step, and the slot in which it happened. */
export type SlotStep = Step & { readonly slot: number };

/**
 * What a unit adds to what is known of returns: equal steps are counted together, so that it is short however many slips
 * the unit has.
 */
export class Tally {
  readonly #steps = new Map<string, { -readonly [Field in keyof SlotStep]: SlotStep[Field] }>();

  add({ kind, provider, route, at, dispatchedAt, due, amount, currency }: Flight): void {
    const width = cohortMs(due - dispatchedAt);
    const from = Math.floor(dispatchedAt / width) * width;
    const bucket = kind === 'returned' ? bucketOf(at - dispatchedAt) : 0;
    const slot = slotOf(at);
    const name = `${kind} ${slot} ${from} ${width} ${bucket} ${provider} ${route} ${currency}`;
    const step = this.#steps.get(name);
    if (step) {
      step.slips += 1;
      step.amount += amount;
      if (kind === 'dispatched') step.due = Math.min(step.due!, due);
      return;
    }
    const more = kind === 'dispatched' ? { due } : kind === 'returned' ? { bucket } : {};
    const one = { kind, slot, provider, route, from, until: from + width, slips: 1, amount, currency };
    this.#steps.set(name, { ...one, ...more });
  }

  get isEmpty(): boolean {
    return this.#steps.size === 0;
  }

  steps(): SlotStep[] {
    return [...this.#steps.values()];
  }
}
