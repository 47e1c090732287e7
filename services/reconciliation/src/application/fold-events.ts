import { type RecordedEvent, timeOn } from '@slipstream/slip';
import { type Draft, draftOf } from '../domain/repair/draft.ts';
import { react } from '../domain/repair/react.ts';
import { fold, watch } from '../domain/watch/watched-slip.ts';
import type { Ids, Unit } from './ports.ts';

/**
 * Folds a batch of one partition's events and takes the decisions that follow at once, slip by slip in log order. A slip
 * is loaded once and written once, however many of its events the batch has.
 */
export async function foldEvents(
  unit: Unit,
  partition: number,
  events: readonly RecordedEvent[],
  ids: Ids,
): Promise<void> {
  if (events.length === 0) return;
  const drafts = await load(unit, events);
  for (const recorded of events) {
    // What is not watched was never submitted here, or it returned in time and is settled or refused: nothing is left to detect.
    const draft = drafts.get(recorded.slipId) ?? begin(drafts, partition, recorded);
    if (!draft) continue;
    if (draft.slip.state.lastEventId !== recorded.id) draft.slip = fold(draft.slip, recorded);
    react(draft, recorded, { ...ids, now: timeOn(recorded) });
  }
  await unit.save(drafts.values());
}

async function load(unit: Unit, events: readonly RecordedEvent[]): Promise<Map<string, Draft>> {
  const slipIds = new Set(events.map((recorded) => recorded.slipId));
  const slips = await unit.byId([...slipIds].sort());
  return new Map(slips.map((slip) => [slip.state.slipId, draftOf(slip, slip)]));
}

function begin(drafts: Map<string, Draft>, partition: number, recorded: RecordedEvent): Draft | null {
  const slip = watch(partition, recorded);
  if (!slip) return null;
  const draft = draftOf(slip, null);
  drafts.set(recorded.slipId, draft);
  return draft;
}
