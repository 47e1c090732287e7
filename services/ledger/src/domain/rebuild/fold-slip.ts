import type { RecordedEvent } from '@slipstream/slip';
import { mayMoveMoney } from '../hold/decide-in-order.ts';
import type { Hold } from '../hold/hold.ts';
import { type FollowedRecord, type FollowedSlip, follow, followUnread, type Sha256 } from '../log/follow.ts';
import { type LoggedTag, tagsOf } from '../log/tags.ts';
import { MoneyFold, type Told } from './fold-money.ts';

/** A record of a slip's log, for a fold from the beginning. */
export interface SlipRecord extends FollowedRecord {
  /** It is logged, and waits to be read again (rule 9). */
  readonly waits: boolean;
}

export interface SlipLog {
  /** All of them, by version. */
  readonly records: readonly SlipRecord[];
  /** As its row says, from where on they wait: the first that does lies there or behind it. null: none does. */
  readonly waitsFrom: number | null;
  /** What the ledger has said of the slip and not read back yet, in its order. */
  readonly pending: readonly RecordedEvent[];
}

export interface FoldedSlip {
  readonly slip: FollowedSlip;
  /** As it stood after the version that was asked for; null: it has none such. */
  readonly then: FollowedSlip | null;
  readonly hold: Hold | null;
  readonly told: readonly Told[];
  readonly tags: readonly LoggedTag[];
}

interface Hashes {
  readonly sha256: Sha256;
  readonly transactionId: (eventId: string) => string;
}

/** What all that is known of a slip adds up to; null: its log is empty. */
export function foldSlip(
  { records, waitsFrom, pending }: SlipLog,
  thenVersion: number,
  { sha256, transactionId }: Hashes,
): FoldedSlip | null {
  const money = new MoneyFold(transactionId);
  const tags: LoggedTag[] = [];
  let slip: FollowedSlip | null = null;
  let then: FollowedSlip | null = null;
  for (const record of records) {
    const before: FollowedSlip | null = slip;
    slip = record.waits
      ? { ...followUnread(before, record, sha256), waitsFrom }
      : follow(before, record, sha256);
    const { recorded, partition, offset } = record;
    if (recorded !== null && !record.waits) {
      const told = tagsOf(before?.state ?? null, recorded.event, slip.state);
      for (const tag of told) tags.push({ ...tag, partition, offset });
    }
    // What waits was not decided on yet; what the ledger said before stands, also where it waits behind that.
    if (recorded !== null && !(record.waits && mayMoveMoney(recorded.event))) {
      money.take(before?.state ?? null, recorded);
    }
    if (slip.version === thenVersion) then = slip;
  }
  if (slip === null) return null;
  for (const recorded of pending) money.take(slip.state, recorded);
  return { slip, then, hold: money.hold, told: money.told, tags };
}
