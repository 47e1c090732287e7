import { timeOn } from './clock.ts';
import { type DataOf, type Draft, type Finding } from './draft.ts';
import type { RecordedEvent } from './events.ts';
import { hasEnded, successReported } from './facts.ts';

export function fundsHeld(draft: Draft, recorded: RecordedEvent): Finding {
  if (draft.held) return 'duplicate';
  draft.held = true;
  draft.heldAt = timeOn(recorded);
  if (draft.rejection !== null) return contradict(draft);
  // On a reported route the answer may be read before the hold; nowhere else.
  const answered = draft.outcome !== null && draft.mode !== 'reported';
  return answered || hasEnded(draft) ? 'out_of_order' : null;
}

export function holdRefused(draft: Draft, recorded: RecordedEvent, data: DataOf<'HoldRefused'>): Finding {
  if (draft.rejection !== null) return 'duplicate';
  if (draft.held || hasEnded(draft)) return contradict(draft);
  draft.rejection = { reason: data.reason, detail: data.detail };
  draft.resolvedAt ??= timeOn(recorded);
  return successReported(draft) ? contradict(draft) : null;
}

export function settled(draft: Draft, recorded: RecordedEvent): Finding {
  if (draft.settled) return 'duplicate';
  draft.settled = true;
  const denied = draft.refunded || (draft.outcome !== null && draft.outcome !== 'succeeded');
  return moved(draft, recorded, denied, draft.outcome !== null);
}

export function refunded(draft: Draft, recorded: RecordedEvent): Finding {
  if (draft.refunded) return 'duplicate';
  draft.refunded = true;
  const denied = draft.settled || successReported(draft);
  return moved(draft, recorded, denied, draft.outcome !== null || draft.refundRequested);
}

export function refundRefused(draft: Draft): Finding {
  if (draft.refundRefused) return 'duplicate';
  draft.refundRefused = true;
  return draft.refundRequested ? null : 'out_of_order';
}

export function compensated(draft: Draft): Finding {
  if (draft.compensated) return 'duplicate';
  draft.compensated = true;
  return draft.refunded && successReported(draft) ? null : 'out_of_order';
}

/** The ledger's word about money is always kept; a settled and refunded slip shows as conflicted. */
function moved(draft: Draft, recorded: RecordedEvent, denied: boolean, founded: boolean): Finding {
  draft.resolvedAt ??= timeOn(recorded);
  if (denied || draft.rejection !== null) return contradict(draft);
  return founded && draft.held ? null : 'out_of_order';
}

function contradict(draft: Draft): Finding {
  draft.conflict = true;
  return 'contradicts';
}
