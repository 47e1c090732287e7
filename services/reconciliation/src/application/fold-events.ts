import { type RecordedEvent, timeOn } from '@slipstream/slip';
import type { BudgetRules } from '../domain/repair/budget.ts';
import { flightOf } from '../domain/returns/flight.ts';
import {
  fold,
  mattersAfterTheEnd,
  placeOf,
  recall,
  type WatchedSlip,
  watch,
} from '../domain/watch/watched-slip.ts';
import { advance, type Change, type Means, unchanged } from './advance.ts';
import type { Unit } from './ports.ts';
import { Tally } from './returns/tally.ts';
import { withinBudget } from './within-budget.ts';

/**
 * Folds a batch of one partition's events and takes the decisions that follow at once, slip by slip in log order. A slip
 * is loaded once and written once, however many of its events the batch has.
 */
export async function foldEvents(
  unit: Unit,
  partition: number,
  events: readonly RecordedEvent[],
  means: Means,
  budget: BudgetRules,
): Promise<void> {
  if (events.length === 0) return;
  const slipIds = new Set(events.map((recorded) => recorded.slipId));
  const known = await unit.byId([...slipIds].sort());
  let returns = new Tally();
  const changes = await withinBudget(unit, budget, (allowance) => {
    returns = new Tally();
    // Decisions taken while reading are dated by what was read: a late reader decides as a punctual one does.
    const follow: Follow = (change, recorded) =>
      advance(change, { type: 'event', event: recorded.event }, timeOn(recorded), means, allowance);
    return foldAll(known, partition, events, follow, returns);
  });
  if (!returns.isEmpty) unit.noteReturns(returns);
  for (const round of rounds(changes)) await unit.save(round);
}

/** Changes of one slip follow each other. */
export function* rounds(changes: readonly Change[]): Generator<readonly Change[]> {
  for (let left = changes; left.length > 0; ) {
    const taken = new Map<string, Change>();
    const later: Change[] = [];
    for (const change of left) {
      const { slipId } = change.slip.state;
      if (taken.has(slipId)) later.push(change);
      else taken.set(slipId, change);
    }
    yield [...taken.values()];
    left = later;
  }
}

/** What an event leads to that was just folded. */
type Follow = (change: Change, recorded: RecordedEvent) => Change;

/** Folds the events slip by slip in log order, each followed by what it leads to; `returns` counts what went out and came back. */
export function foldAll(
  known: readonly WatchedSlip[],
  partition: number,
  events: readonly RecordedEvent[],
  follow: Follow,
  returns: Tally,
): readonly Change[] {
  const changes = new Map(known.map((slip) => [slip.state.slipId, unchanged(slip)]));
  const ended: Change[] = [];
  for (const recorded of events) {
    let latest = changes.get(recorded.slipId);
    // What comes behind the end is taken as it is when the slip was forgotten meanwhile: batches end where they happen to.
    if (latest !== undefined && mattersAfterTheEnd(recorded) && placeOf(latest.slip) === 'forgotten') {
      ended.push(latest);
      latest = undefined;
    }
    const before = latest?.slip.state ?? null;
    const change = folded(latest, partition, recorded);
    // What is not kept was never submitted here, or has settled: only what its provider says after that matters.
    if (!change) continue;
    const flight = flightOf(before, change.slip.state, recorded);
    if (flight) returns.add(flight);
    changes.set(recorded.slipId, follow(change, recorded));
  }
  return [...ended, ...changes.values()];
}

function folded(change: Change | undefined, partition: number, recorded: RecordedEvent): Change | null {
  if (change === undefined) {
    const slip = watch(partition, recorded);
    if (slip !== null) return { before: null, slip, events: [] };
    if (!mattersAfterTheEnd(recorded)) return null;
    const recalled = recall(partition, recorded);
    return { before: recalled, slip: fold(recalled, recorded), events: [] };
  }
  const again = change.slip.state.lastEventId === recorded.id;
  return again ? change : { ...change, slip: fold(change.slip, recorded) };
}
