import type { PendingEvent } from '@slipstream/slip';
import type { Dispatch, NewInquiry, Step } from '../domain/dispatch/state.ts';
import type { StoreTx } from './ports.ts';

/** Collects what a batch of decisions changes, in order, and writes it with one statement per table. */
export class Changes {
  readonly #rows: Map<string, Dispatch>;
  readonly #changed = new Set<string>();
  readonly #events: PendingEvent[] = [];
  readonly #inquiries: NewInquiry[] = [];

  constructor(rows: Map<string, Dispatch> = new Map()) {
    this.#rows = rows;
  }

  /** The row as the decisions so far have left it. */
  get(slipId: string): Dispatch | undefined {
    return this.#rows.get(slipId);
  }

  add(dispatch: Dispatch): void {
    this.#rows.set(dispatch.slipId, dispatch);
    this.#changed.add(dispatch.slipId);
  }

  apply(step: Step): void {
    const { slipId } = step.dispatch;
    if (this.#rows.get(slipId) !== step.dispatch) this.add(step.dispatch);
    this.#events.push(...step.events);
    this.#inquiries.push(...step.inquiries);
  }

  publish(event: PendingEvent): void {
    this.#events.push(event);
  }

  async write(tx: StoreTx): Promise<void> {
    const changed = [...this.#changed].map((slipId) => this.#rows.get(slipId)!);
    if (changed.length > 0) await tx.dispatches.save(changed);
    if (this.#inquiries.length > 0) await tx.inquiries.add(this.#inquiries);
    if (this.#events.length > 0) tx.publish(this.#events);
  }
}
