import type { Instant, Money } from '@slipstream/kernel';
import { type CauseClass, isLive, type SlipKind } from '@slipstream/slip';
import { ownTrouble } from '../case/reasons.ts';
import type { WatchedSlip } from '../watch/watched-slip.ts';
import { ownSide, type Side } from './decide.ts';

/** What became of a slip that missed its deadline; `closed`: people ended its case without an answer of the provider. */
export type Fate = 'open' | 'returned' | 'refunded' | 'refused' | 'closed';

/**
 * A live slip that missed its deadline, or whose refund waits for people because our own trouble kept many from being sent, as
 * incidents and their lists know it.
 */
export interface MissedSlip {
  readonly slipId: string;
  readonly partition: number;
  readonly side: Side;
  readonly provider: string | null;
  readonly route: string;
  readonly kind: SlipKind;
  readonly amount: Money | null;
  /** When it was dispatched; of one that was not, when it was submitted. */
  readonly at: Instant;
  readonly deadline: Instant;
  readonly causeClass: CauseClass | null;
  readonly causeCode: string | null;
  readonly fate: Fate;
  readonly hasOpenCase: boolean;
  /** Since when its refund waits, or waited, for people because of our own trouble; null: it never did. */
  readonly withheldAt: Instant | null;
}

/** Null: it is none, or is imported. A proof needs no deadline, so a refund may wait before it has passed. */
export function missedSlip({ partition, state, verdict }: WatchedSlip): MissedSlip | null {
  const withheldAt = withheldSince(state);
  if ((verdict !== 'overdue' && withheldAt === null) || !isLive(state.clock)) return null;
  const { slipId, route, kind, amount, deadline, provider, cause } = state;
  const side = sideOf(cause?.class ?? null, state.dispatchedAt === null ? null : provider);
  return {
    ...{ slipId, partition, side, provider, route, kind, amount, deadline },
    at: (side === ownSide ? null : state.dispatchedAt) ?? state.submittedAt,
    ...{ causeClass: cause?.class ?? null, causeCode: cause?.code ?? null },
    fate: fateOf(state),
    hasOpenCase: state.case?.status === 'open',
    withheldAt,
  };
}

/** Whose trouble it is as far as is known: before the diagnosis, of whoever has the slip. */
function sideOf(cause: CauseClass | null, dispatchedTo: string | null): Side {
  return cause === 'system' || cause === 'configuration' ? ownSide : (dispatchedTo ?? ownSide);
}

function fateOf(state: WatchedSlip['state']): Fate {
  if (state.rejection !== null) return 'refused';
  if (state.refunded) return 'refunded';
  if (state.outcome !== null) return 'returned';
  return state.case?.status === 'closed' ? 'closed' : 'open';
}

function withheldSince(state: WatchedSlip['state']): Instant | null {
  return state.case?.reasons.find(({ reason }) => reason === ownTrouble)?.openedAt ?? null;
}
