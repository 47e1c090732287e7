import type { Instant, Money } from '@slipstream/kernel';
import { type PendingEvent, type RecordedEvent, type SlipEvent, timeOn } from '@slipstream/slip';
import type { Stall } from '../domain/diagnosis/stalls.ts';
import { type BudgetRules, isAutomaticRefund } from '../domain/repair/budget.ts';
import { decide } from '../domain/repair/decide.ts';
import { followed, isRefundDecided, isSaid, nameOf } from '../domain/repair/fold-back.ts';
import { fold, mattersAfterTheEnd, recall, type WatchedSlip } from '../domain/watch/watched-slip.ts';
import { advance, type Change, type Means, unchanged } from './advance.ts';
import { foldAll, rounds } from './fold-events.ts';
import type { Unit } from './ports.ts';
import { Tally } from './returns/tally.ts';
import { withinBudget } from './within-budget.ts';

/** An event, and what follows from it that was not found in the log behind it. */
export interface Undecided {
  readonly recorded: RecordedEvent;
  /** Names, as the domain's `nameOf` gives them. */
  readonly awaited: readonly string[];
}

/** A refund as the log tells it. */
interface SpentThen {
  readonly at: Instant;
  /** None: it waits for people. */
  readonly refunds: readonly (Money | null)[];
  readonly isOwnTrouble: boolean;
}

/** One transaction on a partition of which the database lacks events of our own. */
export interface FoldBackUnit extends Pick<Unit, 'byId' | 'noteReturns'> {
  /** Writes what the slips have become. Nothing is published: it stands on the topic. */
  keep(changes: readonly Change[]): Promise<void>;
  /** Takes it off the repair budget of its own time. */
  spendThen(spent: readonly SpentThen[]): Promise<void>;
  /** What people had done: nobody does it again. */
  acted(recorded: RecordedEvent): void;
  /** What lines of statements told, and which were broken: neither is told again. */
  toldOfStatements(recorded: RecordedEvent): void;
  /** In log order. */
  undecided(slipIds: readonly string[]): Promise<readonly Undecided[]>;
  /** All that is undecided of these slips. */
  keepUndecided(slipIds: readonly string[], undecided: readonly Undecided[]): void;
}

export interface FoldBackParts {
  readonly stalls: readonly Stall[];
  isOwn(recorded: RecordedEvent): boolean;
}

/**
 * Folds a batch of the log back into a database that is older than it: the other services' events and our own, in log order.
 * Decides and publishes nothing. What an event leads to is looked for in the log behind it, and kept until it is found.
 */
export async function foldBack(
  unit: FoldBackUnit,
  partition: number,
  events: readonly RecordedEvent[],
  { stalls, isOwn }: FoldBackParts,
): Promise<void> {
  if (events.length === 0) return;
  const slipIds = [...new Set(events.map(({ slipId }) => slipId))].sort();
  const before = await unit.undecided(slipIds);
  const undecided = Map.groupBy(before, ({ recorded }) => recorded.slipId);
  const known = await unit.byId(slipIds);
  const returns = new Tally();
  const spent: SpentThen[] = [];
  const follow = (change: Change, recorded: RecordedEvent): Change => {
    const { event, slipId } = recorded;
    const { nextStep, awaited } = followed(change.slip, recorded, stalls);
    const slip = { ...change.slip, nextStep };
    const isTold = isOwn(recorded);
    const left = isTold ? without(undecided.get(slipId) ?? [], nameOf(event)) : (undecided.get(slipId) ?? []);
    // What comes behind something undecided is asked again with it: it may end what that begins.
    const isAsked = awaited.length > 0 || (left.length > 0 && !isTold);
    undecided.set(slipId, isAsked ? [...left, { recorded, awaited }] : left);
    if (!isTold) return { ...change, slip };
    if (isRefundDecided(event)) spent.push(spentFor(slip, recorded));
    unit.acted(recorded);
    return { ...change, slip, events: [...change.events, toPending(partition, recorded)] };
  };
  const all = [...known, ...recalled(partition, before, known)];
  const changes = foldAll(all, partition, events, follow, returns);
  // Of a slip that is kept no more, too.
  for (const recorded of events) if (isOwn(recorded)) unit.toldOfStatements(recorded);
  if (!returns.isEmpty) unit.noteReturns(returns);
  for (const round of rounds(changes)) await unit.keep(round);
  if (spent.length > 0) await unit.spendThen(spent);
  const after = [...undecided.values()].flat();
  if (before.length + after.length > 0) unit.keepUndecided(slipIds, after);
}

/** Says what follows from what was folded back and was never said. */
export async function decideUndecided(
  unit: Unit,
  partition: number,
  undecided: readonly Undecided[],
  means: Means,
  budget: BudgetRules,
): Promise<void> {
  const slipIds = [...new Set(undecided.map(({ recorded }) => recorded.slipId))].sort();
  const known = await unit.byId(slipIds);
  const changes = await withinBudget(unit, budget, (allowance) => {
    const slips = new Map(
      [...known, ...recalled(partition, undecided, known)].map((slip) => [
        slip.state.slipId,
        unchanged(slip),
      ]),
    );
    const isAsked = new Set<string>();
    for (const { recorded, awaited } of undecided) {
      const { id, slipId, event } = recorded;
      const change = slips.get(slipId);
      if (!change || (!isAsked.has(slipId) && isSaid(awaited, change.slip.state))) continue;
      isAsked.add(slipId);
      // As if it had been folded just now.
      const slip = { ...change.slip, state: { ...change.slip.state, lastEventId: id } };
      const occasion = { type: 'event', event } as const;
      const at = timeOn(recorded);
      const next = advance({ ...change, slip }, occasion, at, means, allowance);
      const events = notedWith(slip, recorded, awaited, means.stalls);
      const noted = events.filter((note) => !next.events.some((said) => nameOf(said.event) === nameOf(note)));
      slips.set(slipId, advance(next, { type: 'people_decided', events: noted }, at, means));
    }
    return [...slips.values()];
  });
  await unit.save(changes);
}

/** Notes that go with the opening of a case, where that was said and they were not. */
function notedWith(
  slip: WatchedSlip,
  { event, ...recorded }: RecordedEvent,
  awaited: readonly string[],
  stalls: readonly Stall[],
): SlipEvent[] {
  const withoutCase = { ...slip, state: { ...slip.state, case: null } };
  const { events } = decide(withoutCase, { type: 'event', event }, timeOn(recorded), stalls);
  return events.filter((one) => one.type === 'CaseNoted' && awaited.includes(nameOf(one)));
}

/** What is left when this was told; an event that awaits nothing before the first that does is not asked again. */
function without(undecided: readonly Undecided[], told: string): Undecided[] {
  const left = undecided.flatMap(({ recorded, awaited }) => {
    const rest = awaited.filter((name) => name !== told);
    return awaited.length > 0 && rest.length === 0 ? [] : [{ recorded, awaited: rest }];
  });
  const first = left.findIndex(({ awaited }) => awaited.length > 0);
  return first < 0 ? [] : left.slice(first);
}

/** Slips that are kept no more, of which something was said after their end that is undecided. */
function recalled(
  partition: number,
  undecided: readonly Undecided[],
  known: readonly WatchedSlip[],
): WatchedSlip[] {
  const kept = new Set(known.map(({ state }) => state.slipId));
  const slips = new Map<string, WatchedSlip>();
  for (const { recorded } of undecided) {
    const { slipId } = recorded;
    if (kept.has(slipId) || !mattersAfterTheEnd(recorded)) continue;
    slips.set(slipId, fold(slips.get(slipId) ?? recall(partition, recorded), recorded));
  }
  return [...slips.values()];
}

function spentFor({ state }: WatchedSlip, { event, time }: RecordedEvent): SpentThen {
  const refunds = isAutomaticRefund(event) ? [state.amount] : [];
  return { at: time, refunds, isOwnTrouble: state.cause?.class === 'system' };
}

function toPending(
  partition: number,
  { id, slipId, clock, event, receivedTime }: RecordedEvent,
): PendingEvent {
  return { id, slipId, partition, clock, event, receivedAt: receivedTime };
}
