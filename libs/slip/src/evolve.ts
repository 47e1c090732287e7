import type { RecordedEvent, SlipEventType } from './events.ts';
import { gatewayFolds } from './evolve-gateway.ts';
import { intakeFolds } from './evolve-intake.ts';
import { ledgerFolds } from './evolve-ledger.ts';
import { reconciliationFolds } from './evolve-reconciliation.ts';
import { copyState, initialState } from './initial-state.ts';
import type { Finding, Fold, Folds, NextState } from './next-state.ts';
import { anomaliesMax, type SlipState } from './state.ts';
import { statusOf } from './status.ts';

/**
 * Folds one event into a slip. Total: it never throws, and takes events that are repeated, early, late or unknown;
 * what does not fit leaves an anomaly, and the fact it tells is kept. `null` is a slip of which nothing is known.
 */
export function evolve(state: SlipState | null, recorded: RecordedEvent): SlipState {
  const before = state ?? initialState(recorded.slipId, recorded.clock);
  const next = copyState(before);
  const finding = refuse(before, recorded) ?? fold(next, recorded);
  if (finding !== null) {
    const anomaly = { eventId: recorded.id, type: recorded.event.type, reason: finding };
    next.anomalies = [...next.anomalies.slice(1 - anomaliesMax), anomaly];
    next.anomalyCount += 1;
  }
  return next as SlipState;
}

function refuse(state: SlipState, recorded: RecordedEvent): Finding {
  if (state.slipId !== recorded.slipId) return 'other_slip';
  return state.lastEventId === recorded.id ? 'redelivered' : null;
}

function fold(next: NextState, recorded: RecordedEvent): Finding {
  const misplaced = misplacement(next, recorded);
  const finding = apply(next, recorded);
  next.version += 1;
  next.lastEventId = recorded.id;
  next.status = statusOf(next);
  return misplaced ?? finding;
}

function misplacement(next: NextState, { clock, event }: RecordedEvent): Finding {
  if (next.clock !== clock) return 'other_clock';
  if (next.submittedAt !== null || next.draftedAt !== null || next.rejection !== null) return null;
  return beginnings.has(event.type) ? null : 'early';
}

const beginnings: ReadonlySet<SlipEventType> = new Set(['SlipSubmitted', 'SlipDrafted', 'SlipRejected']);

/** Closed: an event type without a fold does not compile. */
const folds: Folds = { ...intakeFolds, ...gatewayFolds, ...ledgerFolds, ...reconciliationFolds };

function apply(next: NextState, recorded: RecordedEvent): Finding {
  const { type, data } = recorded.event;
  // A newer release's event may come in whatever this one thinks of its type.
  if (!Object.hasOwn(folds, type)) return 'unknown_type';
  return (folds[type] as Fold<SlipEventType>)(next, recorded, data);
}
