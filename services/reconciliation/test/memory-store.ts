import { addMs, type Instant } from '@slipstream/kernel';
import type { PendingEvent, SubmittedSlip } from '@slipstream/slip';
import type { Lookout, SlipPage, Unit } from '../src/application/ports.ts';
import type { SlotStep } from '../src/application/returns/tally.ts';
import type { Judgeable } from '../src/domain/deadline/judgeable.ts';
import { afterRefund, nothingSpent, type Spent } from '../src/domain/repair/budget.ts';
import { tellAt } from '../src/domain/stage/present-stage.ts';
import { isMissed, placeOf, type WatchedSlip } from '../src/domain/watch/watched-slip.ts';

/** The ports of the application in memory. `unit-suite.ts` holds it to what PostgreSQL does. */
export class MemoryStore {
  now: Instant;
  readonly published: PendingEvent[] = [];
  readonly returns: SlotStep[] = [];
  readonly #slips = new Map<string, WatchedSlip>();
  /** Its hour never ends. */
  #spent: Spent = nothingSpent;
  readonly #parked = new Set<string>();
  readonly #concluded = new Set<string>();

  constructor(now: Instant) {
    this.now = now;
  }

  slip(slipId: string): WatchedSlip | undefined {
    return this.#slips.get(slipId);
  }

  /** Sets the slip behind a dead letter. */
  park(slipId: string): void {
    this.#parked.add(slipId);
  }

  lookout(): Lookout {
    return {
      withSlipsToJudge: async (ranges) => ranges.filter((range) => this.#toJudge(range).length > 0),
      withSlipsAwaitingHold: async (ranges) =>
        ranges.filter((range) => this.#due(range).some((slip) => !holdIsKnown(slip, range))),
      withStepsDue: async (through) =>
        [...through]
          .filter(([partition, time]) => this.#toStep(partition, time).length > 0)
          .map(([partition]) => partition),
      withStagesToTell: async (through) =>
        [...through]
          .filter(([partition, time]) => this.#toTellLate(partition, time).length > 0)
          .map(([partition]) => partition),
      concluded: async (ranges) => ranges.filter((range) => this.#concluded.has(nameOf(range))),
      keepProgress: async () => {},
    };
  }

  unit(): Unit {
    const page = (slips: readonly WatchedSlip[]): SlipPage => ({ now: this.now, slips });
    return {
      byId: async (slipIds) => slipIds.flatMap((slipId) => this.#slips.get(slipId) ?? []),
      toJudge: async (range) => page(this.#toJudge(range)),
      toStep: async (partition, through) => page(this.#toStep(partition, through)),
      toTellLate: async (partition, through, after, limit) => {
        const from = after === null ? '' : `${after.at} ${after.slipId}`;
        return page(
          this.#toTellLate(partition, through)
            .filter((slip) => lateKey(slip) > from)
            .slice(0, limit),
        );
      },
      toConclude: async (_, ranges, after) =>
        page(
          ranges
            .flatMap((range) => this.#on(range))
            .filter((slip) => isMissed(slip) && slip.state.slipId > after)
            .toSorted(by(({ state }) => state.slipId)),
        ),
      spent: async () => this.#spent,
      spend: (refunds, own) => {
        const { ownTrouble, ...spent } = refunds.reduce<Spent>(afterRefund, this.#spent);
        this.#spent = { ...spent, ownTrouble: ownTrouble + own };
      },
      noteReturns: (tally) => {
        this.returns.push(...tally.steps());
      },
      save: async (changes) => {
        for (const { slip, events } of changes) {
          this.published.push(...events);
          if (placeOf(slip) === 'forgotten') this.#slips.delete(slip.state.slipId);
          else this.#slips.set(slip.state.slipId, slip);
        }
      },
      finishClocks: async (_, ranges) => {
        const ended = ranges.filter((range) => this.#due(range).length === 0);
        for (const range of ended) {
          this.#concluded.add(nameOf(range));
          for (const { state } of this.#on(range)) this.#slips.delete(state.slipId);
        }
        return ended;
      },
    };
  }

  /** What is watched there, and not behind a dead letter. */
  #on({ partition, clock }: Pick<Judgeable, 'partition' | 'clock'>): WatchedSlip[] {
    return [...this.#slips.values()].filter(
      (slip) =>
        slip.partition === partition &&
        slip.state.clock === clock &&
        placeOf(slip) === 'watched' &&
        !this.#parked.has(slip.state.slipId),
    );
  }

  #due(range: Judgeable): WatchedSlip[] {
    return this.#on(range).filter(
      ({ state, verdict }) => verdict === 'open' && dueAt(state) <= range.through,
    );
  }

  #toJudge(range: Judgeable): WatchedSlip[] {
    return this.#due(range)
      .filter((slip) => holdIsKnown(slip, range))
      .toSorted(by(({ state }) => `${dueAt(state)} ${state.slipId}`));
  }

  #toTellLate(partition: number, through: Instant): WatchedSlip[] {
    const due = (slip: WatchedSlip) => {
      const late = tellAt(slip);
      return late !== null && late <= through && slip.state.deadline > through;
    };
    return this.#on({ partition, clock: 'wall' }).filter(due).toSorted(by(lateKey));
  }

  #toStep(partition: number, through: Instant): WatchedSlip[] {
    const due = ({ nextStep }: WatchedSlip) =>
      nextStep !== null && nextStep.at <= this.now && (nextStep.kind === 'inquire' || nextStep.at <= through);
    return this.#on({ partition, clock: 'wall' })
      .filter(due)
      .toSorted(by(({ nextStep, state }) => `${nextStep!.at} ${state.slipId}`));
  }
}

function nameOf({ clock, partition }: Judgeable): string {
  return `${partition} ${clock}`;
}

function holdIsKnown({ state }: WatchedSlip, { holdsThrough }: Judgeable): boolean {
  return state.held || state.rejection !== null || dueAt(state) <= holdsThrough;
}

function lateKey(slip: WatchedSlip): string {
  return `${tellAt(slip)} ${slip.state.slipId}`;
}

function dueAt({ deadline, policy }: SubmittedSlip): Instant {
  return addMs(deadline, policy.graceMs);
}

function by(key: (slip: WatchedSlip) => string): (a: WatchedSlip, b: WatchedSlip) => number {
  return (a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)));
}
