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
import type { Allowance } from './allowance.ts';
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
    return foldAll(known, partition, events, means, allowance, returns);
  });
  if (!returns.isEmpty) unit.noteReturns(returns);
  for (const round of rounds(changes)) await unit.save(round);
}

/** Changes of one slip follow each other. */
function* rounds(changes: readonly Change[]): Generator<readonly Change[]> {
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

function foldAll(
  known: readonly WatchedSlip[],
  partition: number,
  events: readonly RecordedEvent[],
  means: Means,
  allowance: Allowance,
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
    // Decisions taken while reading are dated by what was read: a late reader decides as a punctual one does.
    const occasion = { type: 'event', event: recorded.event } as const;
    changes.set(recorded.slipId, advance(change, occasion, timeOn(recorded), means, allowance));
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
