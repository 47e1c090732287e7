import { isLive } from '@slipstream/slip';
import { type ClockState, type Judgeable, judgedThrough } from '../domain/deadline/judgeable.ts';
import type { Marks } from '../domain/deadline/marks.ts';
import type { BudgetRules } from '../domain/repair/budget.ts';
import type { Means } from './advance.ts';
import { concludeClocks } from './conclude-clocks.ts';
import { judgeDeadlines } from './judge-deadlines.ts';
import type { Lookout, OwnedPartitions } from './ports.ts';
import { takeDueSteps } from './take-due-steps.ts';

/** Clocks that end in one round on each partition: live deadlines are judged in between. */
const clocksEndedMax = 500;
/** How often progress is written down; it is for people, verdicts don't need it. The wall clock's always moves. */
const keepProgressEveryMs = 1_000;
const keepLiveProgressEveryMs = 5_000;

export interface DetectorParts {
  readonly marks: Marks;
  readonly owned: OwnedPartitions;
  readonly lookout: Lookout;
  /** Ids, and what is known of our own services at the time. */
  means(): Means;
  readonly budget: BudgetRules;
  clocks(): ClockState;
  /** A clock that never steps; only differences mean anything. */
  monotonicMs(): number;
}

/** One round of the detector: deadlines, then clocks that are closed, then steps that are due. */
export function createDetector({
  marks,
  owned,
  lookout,
  means,
  budget,
  clocks,
  monotonicMs,
}: DetectorParts): () => Promise<void> {
  const concluded = new Set<string>();
  const kept = new Map<string, string>();
  let keepAtMs = monotonicMs();
  let keepLiveAtMs = keepAtMs;

  return async () => {
    const sight = { marks, clocks: clocks() };
    const judged = await judgeDeadlines(sight, owned, lookout, means(), budget, (range) =>
      concluded.has(name(range)),
    );
    await conclude(judged.filter(({ closed }) => closed));
    await takeDueSteps(sight, owned, lookout, means());
    if (monotonicMs() < keepAtMs) return;
    keepAtMs = monotonicMs() + keepProgressEveryMs;
    const withLive = monotonicMs() >= keepLiveAtMs;
    if (withLive) keepLiveAtMs = monotonicMs() + keepLiveProgressEveryMs;
    await keep(withLive ? judged : judged.filter(({ clock }) => !isLive(clock)));
  };

  async function conclude(closed: readonly Judgeable[]): Promise<void> {
    if (closed.length === 0) return;
    for (const range of await lookout.concluded(closed)) concluded.add(name(range));
    const left = Map.groupBy(
      closed.filter((range) => !concluded.has(name(range))),
      ({ partition }) => partition,
    );
    for (const [partition, ranges] of left) {
      const ended = await concludeClocks(partition, ranges.slice(0, clocksEndedMax), owned, means());
      for (const range of ended) concluded.add(name(range));
    }
  }

  async function keep(judged: readonly Judgeable[]): Promise<void> {
    const moved = judged.filter(
      (range) => kept.get(name(range)) !== range.through && !concluded.has(name(range)),
    );
    if (moved.length === 0) return;
    const awaiting = new Set(await lookout.withSlipsAwaitingHold(moved));
    const progress = moved.map((range) => ({ ...range, through: judgedThrough(range, awaiting.has(range)) }));
    await lookout.keepProgress(progress);
    for (const range of progress) kept.set(name(range), range.through);
  }
}

function name({ clock, partition }: Judgeable): string {
  return `${partition} ${clock}`;
}
