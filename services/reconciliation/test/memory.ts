import { addMs, type Instant } from '@slipstream/kernel';
import type { RecordedEvent, SubmittedSlip } from '@slipstream/slip';
import { MarkStore } from '../src/adapters/kafka/mark-store.ts';
import { createDetector } from '../src/application/detect.ts';
import { foldEvents } from '../src/application/fold-events.ts';
import type { Lookout, OwnedPartitions, SlipPage, Unit } from '../src/application/ports.ts';
import type { Judgeable } from '../src/domain/deadline/judgeable.ts';
import type { DecidedEvent, Draft } from '../src/domain/repair/draft.ts';
import { isFinished, isForgettable, type WatchedSlip } from '../src/domain/watch/watched-slip.ts';
import { contextAt } from './story.ts';

/** A record of one partition: source and seq as rule 5 sees them. */
export interface LogRecord {
  readonly source: string;
  readonly seq: number;
  readonly recorded: RecordedEvent;
}

/** The application on one partition, with its slips in memory instead of PostgreSQL. */
export class MemoryReconciliation {
  readonly marks = new MarkStore();
  readonly decided: DecidedEvent[] = [];
  now: Instant = '2026-11-22T10:00:00.000000Z';
  readonly #slips = new Map<string, WatchedSlip>();
  readonly #seqs = new Map<string, number>();
  readonly #concluded = new Set<string>();
  #nextOffset = 0;
  readonly #detect: () => Promise<void>;

  constructor() {
    const ids = contextAt(this.now);
    let ms = 0;
    this.#detect = createDetector({
      ...{ marks: this.marks, ids, owned: this.#owned(), lookout: this.#lookout() },
      monotonicMs: () => (ms += 400),
    });
  }

  /** Reads records from `offset`: those seen before are passed over by their seq (rule 5). */
  async read(records: readonly LogRecord[], offset: number): Promise<void> {
    const fresh: RecordedEvent[] = [];
    for (const { source, seq, recorded } of records) {
      if (seq <= (this.#seqs.get(source) ?? 0)) continue;
      this.#seqs.set(source, seq);
      fresh.push(recorded);
    }
    await foldEvents(this.#unit(), 0, fresh, contextAt(this.now));
    this.#nextOffset = Math.max(this.#nextOffset, offset + records.length);
  }

  detect(): Promise<void> {
    return this.#detect();
  }

  slip(slipId: string): WatchedSlip | undefined {
    return this.#slips.get(slipId);
  }

  #owned(): OwnedPartitions {
    return {
      nextOffsets: () => new Map([[0, this.#nextOffset]]),
      inPartition: async (_, work) => {
        await work(this.#unit());
        return true;
      },
    };
  }

  #lookout(): Lookout {
    return {
      withSlipsToJudge: async (ranges) => ranges.filter((range) => this.#toJudge(range).length > 0),
      withSlipsAwaitingHold: async () => [],
      withStepsDue: async (through) =>
        [...through].filter(([, time]) => this.#toStep(time).length > 0).map(([partition]) => partition),
      concluded: async (ranges) => ranges.filter(({ clock }) => this.#concluded.has(clock)),
      keepProgress: async () => {},
    };
  }

  #unit(): Unit {
    const page = (slips: readonly WatchedSlip[]): SlipPage => ({ now: this.now, slips });
    return {
      byId: async (slipIds) => slipIds.flatMap((slipId) => this.#slips.get(slipId) ?? []),
      toJudge: async (range) => page(this.#toJudge(range)),
      toStep: async (_, through) => page(this.#toStep(through)),
      toConclude: async ({ clock }, after) =>
        page(
          [...this.#slips.values()].filter(
            (slip) =>
              slip.state.clock === clock &&
              slip.verdict === 'overdue' &&
              !isFinished(slip) &&
              slip.state.slipId > after,
          ),
        ),
      save: async (drafts) => {
        for (const draft of drafts) this.#save(draft);
      },
      finishClock: async ({ clock, through }) => {
        const due = ({ state, verdict }: WatchedSlip) =>
          state.clock === clock && verdict === 'open' && dueAt(state) <= through;
        if ([...this.#slips.values()].some(due)) return false;
        this.#concluded.add(clock);
        for (const { state } of this.#slips.values())
          if (state.clock === clock) this.#slips.delete(state.slipId);
        return true;
      },
    };
  }

  #toJudge({ clock, through, holdsThrough }: Judgeable): WatchedSlip[] {
    return [...this.#slips.values()].filter(({ state, verdict }) => {
      const due = dueAt(state);
      const holds = state.held || state.rejection !== null || due <= holdsThrough;
      return verdict === 'open' && state.clock === clock && due <= through && holds;
    });
  }

  #toStep(through: Instant): WatchedSlip[] {
    return [...this.#slips.values()].filter(
      ({ nextStep }) =>
        nextStep !== null &&
        nextStep.at <= this.now &&
        (nextStep.kind === 'inquire' || nextStep.at <= through),
    );
  }

  #save({ slip, decided }: Draft): void {
    this.decided.push(...decided);
    const { slipId } = slip.state;
    if (isForgettable(slip)) this.#slips.delete(slipId);
    else this.#slips.set(slipId, slip);
  }
}

function dueAt({ deadline, policy }: SubmittedSlip): Instant {
  return addMs(deadline, policy.graceMs);
}
