import { type Instant, type Money } from '@slipstream/kernel';
import { isLive, type Outcome, type RecordedEvent, type SlipKind } from '@slipstream/slip';
import type { Day } from './statement.ts';

/** What an event tells of a slip that a statement may name; what it does not tell is left as it is. */
export interface BookedPatch {
  slipId: string;
  terms: { kind: SlipKind; reference: string; amount: Money | null } | null;
  provider: string | null;
  providerReference: string | null;
  outcome: Outcome | null;
  fee: bigint | null;
  dispatchedOn: Day | null;
  returnedOn: Day | null;
  /** The event that told the outcome. */
  returnedBy: string | null;
}

/** Types of events that tell anything of it. */
export const bookedEvents: ReadonlySet<string> = new Set<RecordedEvent['event']['type']>([
  'SlipSubmitted',
  'DispatchIntended',
  'SlipAcknowledged',
  'SlipReturned',
]);

/** Folds events, in the order of the log, into a patch for each slip. Only what happens now has statements: imports are over. */
export function foldBooked(events: readonly RecordedEvent[]): readonly BookedPatch[] {
  const patches = new Map<string, BookedPatch>();
  for (const recorded of events) {
    if (!isLive(recorded.clock)) continue;
    const patch = patches.get(recorded.slipId) ?? emptyPatch(recorded.slipId);
    patches.set(recorded.slipId, patch);
    fold(patch, recorded);
  }
  return [...patches.values()];
}

function fold(patch: BookedPatch, { id, event, time, receivedTime }: RecordedEvent): void {
  if (event.type === 'SlipSubmitted') {
    const { kind, reference, amount, provider } = event.data;
    patch.terms = { kind, reference, amount };
    patch.provider = provider;
  } else if (event.type === 'DispatchIntended') {
    patch.provider = event.data.provider;
    patch.dispatchedOn = dayOf(time);
  } else if (event.type === 'SlipAcknowledged') {
    patch.providerReference = event.data.providerReference ?? patch.providerReference;
  } else if (event.type === 'SlipReturned') {
    const { provider, outcome, fee, providerReference } = event.data;
    patch.provider = provider ?? patch.provider;
    patch.outcome = outcome;
    patch.fee = fee?.amount ?? patch.fee;
    patch.providerReference = providerReference ?? patch.providerReference;
    patch.returnedOn = dayOf(receivedTime);
    patch.returnedBy = id;
  }
}

function emptyPatch(slipId: string): BookedPatch {
  return {
    ...{ slipId, terms: null, provider: null, providerReference: null, outcome: null, fee: null },
    ...{ dispatchedOn: null, returnedOn: null, returnedBy: null },
  };
}

const dayOf = (time: Instant): Day => time.slice(0, 10);
