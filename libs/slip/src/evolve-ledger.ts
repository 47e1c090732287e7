import { timeOn } from './clock.ts';
import type { DataOf, RecordedEvent } from './events.ts';
import { hasEnded, successInDoubt, successReported } from './facts.ts';
import type { Finding, Folds, NextState } from './next-state.ts';

export const ledgerFolds: Folds<
  | 'FundsHeld'
  | 'HoldRefused'
  | 'SlipSettled'
  | 'SlipRefunded'
  | 'RefundRefused'
  | 'PostingCompensated'
  | 'SuspenseDecided'
> = {
  FundsHeld: fundsHeld,
  HoldRefused: holdRefused,
  SlipSettled: settled,
  SlipRefunded: refunded,
  RefundRefused: refundRefused,
  PostingCompensated: compensated,
  // The money moves with what follows.
  SuspenseDecided: (next) => (next.compensated || successInDoubt(next) ? null : 'out_of_order'),
};

function fundsHeld(next: NextState, recorded: RecordedEvent): Finding {
  if (next.held) return 'duplicate';
  next.held = true;
  next.heldAt = timeOn(recorded);
  if (next.rejection !== null) return contradict(next);
  // On a reported route the answer may be read before the hold; nowhere else.
  const answered = next.outcome !== null && next.mode !== 'reported';
  return answered || hasEnded(next) ? 'out_of_order' : null;
}

function holdRefused(next: NextState, recorded: RecordedEvent, data: DataOf<'HoldRefused'>): Finding {
  if (next.rejection !== null) return 'duplicate';
  if (next.held || hasEnded(next)) return contradict(next);
  next.rejection = { reason: data.reason, detail: data.detail };
  next.resolvedAt ??= timeOn(recorded);
  return successReported(next) ? contradict(next) : null;
}

function settled(next: NextState, recorded: RecordedEvent, { part }: DataOf<'SlipSettled'>): Finding {
  // Of a hold that is settled in parts each but the first comes after it.
  if (next.settled) return (part ?? 1) > 1 ? null : 'duplicate';
  next.settled = true;
  const denied = next.refunded || (next.outcome !== null && next.outcome !== 'succeeded');
  return moved(next, recorded, denied, next.outcome !== null);
}

function refunded(next: NextState, recorded: RecordedEvent): Finding {
  if (next.refunded) return 'duplicate';
  next.refunded = true;
  const denied = next.settled || successReported(next);
  return moved(next, recorded, denied, next.outcome !== null || next.refundRequested);
}

/** Each request has its answer, so there may be several refusals. */
function refundRefused(next: NextState): Finding {
  next.refundRefused = true;
  return next.refundRequested ? null : 'out_of_order';
}

const secondSteps: ReadonlySet<string> = new Set([
  ...['late_part', 'money_back', 'given_back', 'upheld', 'written_off'],
]);

function compensated(next: NextState, _: RecordedEvent, { reason }: DataOf<'PostingCompensated'>): Finding {
  // The rest stays settled.
  if (reason === 'part_back') return next.settled && next.contradictedBy !== null ? null : 'out_of_order';
  // The way out of suspense is the second step, a claim is written off after it was made, and there may be more to claim.
  if (next.compensated && !secondSteps.has(reason)) return 'duplicate';
  // Upheld: the slip is settled as if nobody had denied it.
  next.compensated = reason !== 'upheld';
  const founded = next.refunded ? successReported(next) : next.settled && next.contradictedBy !== null;
  return founded ? null : 'out_of_order';
}

/** The ledger's word about money is always kept; a settled and refunded slip shows as conflicted. */
function moved(next: NextState, recorded: RecordedEvent, denied: boolean, founded: boolean): Finding {
  next.resolvedAt ??= timeOn(recorded);
  if (denied || next.rejection !== null) return contradict(next);
  return founded && next.held ? null : 'out_of_order';
}

function contradict(next: NextState): Finding {
  next.conflict = true;
  return 'contradicts';
}
