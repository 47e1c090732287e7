import { type Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import { decideSubmission, type SubmissionRules, waitMsMax } from '../domain/submission/decide-submission.ts';
import type { Refusal } from '../domain/submission/refusal.ts';
import type { Lines } from './ports.ts';
import { keyOf, type SubmitOutcome, type SubmitRequest } from './submit-requests.ts';

/** Keys whose repeats are let in without a place, the latest. */
const keysMax = 10_000;

export interface DoorContext {
  readonly rules: SubmissionRules;
  readonly lines: Lines;
  /** The database's clock as it was last heard; null: it was not. */
  readonly clock: () => Instant | null;
}

/**
 * Sends away whoever comes to a line without room before anything is asked of the database, and gives its place in the line to whoever comes
 * in: so a refusal costs those who are let in nothing, and none of a batch that is judged together is let in by the place of another.
 */
export class Door {
  readonly #context: DoorContext;
  /** Of those who came in: what they repeat was accepted, or may be. */
  readonly #keys = new Set<string>();

  constructor(context: DoorContext) {
    this.#context = context;
  }

  async pass(
    request: SubmitRequest,
    submit: (request: SubmitRequest) => Promise<SubmitOutcome>,
  ): Promise<SubmitOutcome> {
    const key = keyOf(request);
    const { lines, rules } = this.#context;
    const { route } = request.submission;
    // A route that is not declared has no line: else whoever thinks of names would fill the memory.
    if (request.isDraft || !rules.routes.has(route) || this.#keys.has(key)) return submit(request);
    const refusal = this.#refusalOf(request);
    if (refusal !== null) return { type: 'refused', refusal };
    const place = lines.enter(route, this.#waitMsMax(request));
    this.#remember(key);
    let accepted = false;
    try {
      const outcome = await submit({ ...request, hasPlace: true });
      const isAccepted = outcome.type === 'accepted';
      if (!isAccepted) this.#keys.delete(key);
      accepted = isAccepted && !outcome.replayed && outcome.status === 'submitted';
      return outcome;
    } finally {
      if (!accepted) lines.leave(route, place);
    }
  }

  /** Only for its line: whatever else is wrong with it may be another one by the time when it is written. */
  #refusalOf({ submission }: SubmitRequest): Refusal | null {
    const { rules, lines, clock } = this.#context;
    const waitMs = lines.expectedMs(submission.route);
    const now = waitMs === 0 ? null : clock();
    if (now === null) return null;
    const throttled = lines.isThrottled(submission.route, waitMsMax(submission, now, rules));
    const circumstances = { clock: wallClock, receivedAt: now, clockClosed: false, waitMs, throttled };
    const decision = decideSubmission(submission, { ...circumstances, repeat: null }, rules);
    if (decision.accepted) return null;
    const { rule } = decision.refusal;
    return rule === 'throttled' || rule === 'wait_too_long' ? decision.refusal : null;
  }

  #waitMsMax({ submission }: SubmitRequest): number {
    const now = this.#context.clock();
    return now === null ? Number.POSITIVE_INFINITY : waitMsMax(submission, now, this.#context.rules);
  }

  #remember(key: string): void {
    if (this.#keys.size === keysMax) this.#keys.delete(this.#keys.values().next().value!);
    this.#keys.add(key);
  }
}
