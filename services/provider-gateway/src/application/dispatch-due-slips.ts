import { instantToMs, must } from '@slipstream/kernel';
import { dispatchIntended, intend, mayIntend } from '../domain/dispatch/attempt.ts';
import { nextPublishMs, publishMsFirst } from '../domain/dispatch/publish-time.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { CallOutcome } from '../domain/provider/answer.ts';
import type { EventLog, PreparedCall, Provider, Providers, Store } from './ports.ts';
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

export interface DispatcherParts {
  readonly store: Store;
  readonly log: EventLog;
  readonly publishing: Publishing;
  readonly providers: Providers;
  readonly slots: Slots;
  /** Names this instance in the rows, for people. */
  readonly owner: string;
  readonly monotonicMs: () => number;
  /** Why the clocks cannot be trusted now: nothing is sent then; null: they can. */
  readonly clockTrouble: () => string | null;
  /** Writes a call's end to the store; must not reject. */
  readonly record: (ended: EndedCall) => Promise<void>;
  /** There is room for what may be due besides. */
  readonly onFree: () => void;
}

/**
 * Sends the slips that are due, up to the free slots of each provider. The intent is committed before any call
 * (rule 1), and is on the topic: a database that loses its last commits learns of the call from there. `not_after` is
 * measured from before that commit on the monotonic clock, so a slow commit, a slow broker, a paused process or a
 * queue in front of the socket can only make the call come to nothing, never make it late.
 * @returns how many calls were started
 */
export async function dispatchDueSlips(parts: DispatcherParts): Promise<number> {
  if (parts.clockTrouble() !== null) return 0;
  const free = parts.slots.free();
  if (free.size === 0) {
    parts.slots.looked(free, []);
    return 0;
  }
  const claimedFromMs = parts.monotonicMs();
  const whenOnTopic = parts.log.watch();
  const { result, places } = await parts.store.runPlaced(async (tx) => {
    const { now, due } = await tx.dispatches.lockDue(free);
    const calls = due
      .filter((dispatch) => mayIntend(dispatch, now))
      .map((dispatch) => writeAhead(parts, dispatch, now));
    // Nothing will be sent of it any more, and leaving it would make every round read it again. One whose deadline has
    // just passed by this reading of the clock stays on the list: it is given up on two.
    const ended = due
      .filter((dispatch) => !mayIntend(dispatch, now) && now < dispatch.deadline)
      .map((dispatch) => ({ ...dispatch, nextAt: null }));
    if (due.length > 0) await tx.dispatches.save([...calls.map((call) => call.dispatch), ...ended]);
    tx.publish(calls.map((call) => dispatchIntended(call.dispatch, call.prepared.digest)));
    return { intended: calls, found: due.map(({ provider }) => provider ?? '') };
  });
  const { intended, found } = result;
  for (const [index, call] of intended.entries()) {
    const place = must(places[index], 'an intent without its place');
    const onTopic = () => whenOnTopic(place, claimedFromMs + call.startMs);
    parts.slots.run(call.provider.id, () => makeCall(parts, call, claimedFromMs, onTopic), parts.onFree);
  }
  if (parts.slots.looked(free, found)) parts.onFree();
  return intended.length;
}

interface IntendedCall {
  readonly provider: Provider;
  readonly dispatch: Dispatch;
  readonly prepared: PreparedCall;
  /** How long after the claim it may begin. */
  readonly startMs: number;
}

function writeAhead(parts: DispatcherParts, due: Dispatch, now: string): IntendedCall {
  const provider = must(
    parts.providers.get(due.provider ?? ''),
    `provider ${due.provider} is not configured`,
  );
  const { connectTimeoutMs } = provider.capabilities;
  // Time for the intent's way to the topic is given before the deadline only: no slow broker makes a call that much late.
  const leftMs = Math.floor(instantToMs(due.deadline) - instantToMs(now));
  const startMs = Math.max(
    connectTimeoutMs,
    Math.min(Math.ceil(parts.publishing.allowedMs) + connectTimeoutMs, leftMs),
  );
  const dispatch = intend(due, now, startMs, provider.capabilities, parts.owner);
  return { provider, dispatch, prepared: provider.prepare(dispatch), startMs };
}

async function makeCall(
  parts: DispatcherParts,
  call: IntendedCall,
  claimedFromMs: number,
  onTopic: () => Promise<boolean>,
): Promise<void> {
  const { provider, dispatch, prepared } = call;
  const { slipId, attempt } = dispatch;
  const isOnTopic = await onTopic();
  const { publishing } = parts;
  publishing.allowedMs = nextPublishMs(publishing.allowedMs, parts.monotonicMs() - claimedFromMs);
  if (!isOnTopic) return parts.record({ slipId, attempt, outcome: notPublished });
  const { outcome, released } = await provider.send(prepared, claimedFromMs + call.startMs);
  await parts.record({ slipId, attempt, outcome });
  await released;
}

const notPublished: CallOutcome = {
  kind: 'not_sent',
  reason: 'not_published',
  detail: 'Its intent was not on the topic in time, so it was not sent.',
};
