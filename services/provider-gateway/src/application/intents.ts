import { instantToMs, must } from '@slipstream/kernel';
import { dispatchIntended, intend } from '../domain/dispatch/attempt.ts';
import { nextPublishMs, publishMsFirst } from '../domain/dispatch/publish-time.ts';
import type { Dispatch, Step } from '../domain/dispatch/state.ts';
import type { CallOutcome } from '../domain/provider/answer.ts';
import type {
  EventLog,
  EventPlace,
  PreparedCall,
  Provider,
  Providers,
  StoreTx,
  WhenOnTopic,
} from './ports.ts';
import type { Slots } from './slots.ts';

export interface EndedCall {
  readonly slipId: string;
  readonly attempt: number;
  readonly outcome: CallOutcome;
}

/** How long an intent may take to its topic, as the intents before it did; it lives as long as the process. */
export interface Publishing {
  allowedMs: number;
}

export const newPublishing = (): Publishing => ({ allowedMs: publishMsFirst });

/** Where a call's end goes, and who looks for what waits for its slot. */
export interface Calls {
  /** Writes a call's end to the store; must not reject. */
  readonly record: (ended: EndedCall) => Promise<void>;
  /** There is room for what may be due besides. */
  readonly onFree: () => void;
}

export interface CallerParts extends Calls {
  readonly log: EventLog;
  readonly publishing: Publishing;
  readonly providers: Providers;
  readonly slots: Slots;
  /** Names this instance in the rows, for people. */
  readonly owner: string;
  readonly monotonicMs: () => number;
}

interface IntendedCall {
  readonly provider: Provider;
  readonly dispatch: Dispatch;
  readonly prepared: PreparedCall;
  /** How long after the claim it may begin. */
  readonly startMs: number;
}

/**
 * The intents of one transaction, and their calls, which begin when it is committed; to be made before it begins. An intent
 * is committed before its call (rule 1), and is on the topic: a database that loses its last commits learns of the call from
 * there. `not_after` is measured from before that commit on the monotonic clock, so a slow commit, a slow broker, a paused
 * process or a queue in front of the socket can only make the call come to nothing, never make it late.
 */
export class Intents {
  readonly #parts: CallerParts;
  readonly #claimedFromMs: number;
  readonly #whenOnTopic: WhenOnTopic;
  readonly #calls: IntendedCall[] = [];

  constructor(parts: CallerParts) {
    this.#parts = parts;
    this.#claimedFromMs = parts.monotonicMs();
    this.#whenOnTopic = parts.log.watch();
  }

  /** The row with its attempt written ahead, and its event. It may be made, and a slot is taken for it. */
  intend(due: Dispatch, now: string): Step {
    const { providers, publishing, owner } = this.#parts;
    const provider = must(providers.get(due.provider ?? ''), `provider ${due.provider} is not configured`);
    const { connectTimeoutMs } = provider.capabilities;
    // Time for the intent's way to the topic is given before the deadline only: no slow broker makes a call that much late.
    const leftMs = Math.floor(instantToMs(due.deadline) - instantToMs(now));
    const startMs = Math.max(
      connectTimeoutMs,
      Math.min(Math.ceil(publishing.allowedMs) + connectTimeoutMs, leftMs),
    );
    const intended = intend(due, now, startMs, provider.capabilities, owner);
    const prepared = provider.prepare(intended);
    const dispatch = { ...intended, digest: prepared.digest };
    this.#calls.push({ provider, dispatch, prepared, startMs });
    return { dispatch, events: [dispatchIntended(dispatch)], inquiries: [] };
  }

  /** The providers that are called, once for each call. */
  get providers(): readonly string[] {
    return this.#calls.map(({ provider }) => provider.id);
  }

  /** The first step of the transaction: what is intended in it is called when it is committed. */
  follow(tx: StoreTx): void {
    const { slots, onFree } = this.#parts;
    tx.afterCommit(
      (places) => {
        for (const call of this.#calls) this.#call(call, places);
      },
      () => {
        for (const id of this.providers) slots.giveBack(id, onFree);
      },
    );
  }

  /** As {@link intend}, of a slip that may be intended, in a slot that is taken for it; null: none is free, or others wait. */
  intendIfFree(due: Dispatch, now: string): Step | null {
    const { slots, onFree } = this.#parts;
    const { provider } = due;
    if (provider === null || !slots.take(provider)) return null;
    try {
      return this.intend(due, now);
    } catch (error) {
      slots.giveBack(provider, onFree);
      throw error;
    }
  }

  #call(call: IntendedCall, places: readonly EventPlace[]): void {
    const { slots, onFree } = this.#parts;
    const { partition } = call.dispatch;
    // The last that the transaction published there: the intent is not behind it.
    const place = must(
      places.findLast((one) => one.partition === partition),
      'an intent without its place',
    );
    slots.runTaken(call.provider.id, () => this.#make(call, place), onFree);
  }

  async #make({ provider, dispatch, prepared, startMs }: IntendedCall, place: EventPlace): Promise<void> {
    const { publishing, monotonicMs, record } = this.#parts;
    const { slipId, attempt } = dispatch;
    const isOnTopic = await this.#whenOnTopic(place, this.#claimedFromMs + startMs);
    const tookMs = monotonicMs() - this.#claimedFromMs;
    publishing.allowedMs = nextPublishMs(publishing.allowedMs, tookMs);
    if (!isOnTopic) return record({ slipId, attempt, outcome: notOnTopic(tookMs) });
    const { outcome, released } = await provider.send(prepared, this.#claimedFromMs + startMs);
    await record({ slipId, attempt, outcome });
    await released;
  }
}

/** The reason of an attempt that our own way to the topic kept from being sent: no word about its provider. */
export const notPublished = 'not_published';

const notOnTopic = (tookMs: number): CallOutcome => ({
  kind: 'not_sent',
  reason: notPublished,
  detail: `Its intent was not on the topic after ${Math.round(tookMs)} ms, so it was not sent.`,
});
