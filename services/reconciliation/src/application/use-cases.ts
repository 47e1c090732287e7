import type { RecordedEvent } from '@slipstream/slip';
import { createDetector, type DetectorParts } from './detect.ts';
import { decideUndecided, type FoldBackUnit, foldBack, type Undecided } from './fold-back.ts';
import { foldEvents } from './fold-events.ts';
import { createIncidentsWatch, type WatchIncidentsParts } from './incidents/watch-incidents.ts';
import type { Unit } from './ports.ts';
import type { Reads } from './reads.ts';
import { createReturnsWatch, type WatchedReturns, type WatchReturnsParts } from './returns/watch-returns.ts';
import { type BlindnessParts, createBlindnessWatch, type Sight } from './watch-blindness.ts';

/** Everything this service can do. */
export interface UseCases {
  /** Folds a batch of one partition's events, and decides what follows from them at once. */
  foldEvents(unit: Unit, partition: number, events: readonly RecordedEvent[]): Promise<void>;
  /** Folds them back into a database that lacks events of our own: nothing is decided. */
  foldBack(unit: FoldBackUnit, partition: number, events: readonly RecordedEvent[]): Promise<void>;
  /** Decides what was folded back and has no answer in the log. */
  decideUndecided(unit: Unit, partition: number, undecided: readonly Undecided[]): Promise<void>;
  /** Judges the deadlines that can be judged, ends imported clocks, takes the steps that are due. */
  detect(): Promise<void>;
  /** Looks whether deadlines can be judged at all. */
  watchBlindness(): Promise<void>;
  sight(): Sight;
  /** Looks whether what was dispatched comes back as it used to. */
  watchReturns(): Promise<void>;
  watchedReturns(): readonly WatchedReturns[];
  /** Gathers slips that missed their deadlines into incidents. */
  watchIncidents(): Promise<void>;
  readonly reads: Reads;
}

export type Parts = DetectorParts & {
  isOwn(recorded: RecordedEvent): boolean;
  readonly reads: Reads;
  readonly returns: WatchReturnsParts;
  readonly incidents: WatchIncidentsParts;
  readonly blindness: Omit<BlindnessParts, keyof DetectorParts>;
};

export function useCases(parts: Parts): UseCases {
  const blindness = createBlindnessWatch({ ...parts, ...parts.blindness });
  const returns = createReturnsWatch(parts.returns);
  return {
    foldEvents: (unit, partition, events) => foldEvents(unit, partition, events, parts.means(), parts.budget),
    foldBack: (unit, partition, events) =>
      foldBack(unit, partition, events, { stalls: parts.means().stalls, isOwn: parts.isOwn }),
    decideUndecided: (unit, partition, undecided) =>
      decideUndecided(unit, partition, undecided, parts.means(), parts.budget),
    detect: createDetector(parts),
    watchBlindness: blindness.check,
    sight: blindness.sight,
    watchReturns: returns.round,
    watchedReturns: returns.watched,
    watchIncidents: createIncidentsWatch(parts.incidents),
    reads: parts.reads,
  };
}
