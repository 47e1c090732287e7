import { followUnread, type LogRecord, type Sha256, statusOf } from '../domain/log/follow.ts';
import type { Leaf } from '../domain/log/tree.ts';
import type { AsideEntry, LedgerTx, LogEntry, SlipChange } from './ports.ts';

/** A record set aside. */
export interface SetAside extends Leaf {
  /** null: it waits for no slip, or nobody can read of which it is. */
  readonly record: LogRecord | null;
  /** Only because an earlier one of its slip was. */
  readonly waitsBehind: boolean;
}

/**
 * Keeps records that were set aside, so that the log has every record: under their slip, which is shown, where they are
 * folded and decided on when they are read again; else by themselves. A record behind one that is not in its slip's log
 * stands by itself as well: order comes before haste.
 */
export async function keepAside(
  sha256: Sha256,
  tx: LedgerTx,
  aside: readonly SetAside[],
  markOf: (aside: Leaf) => number | null,
): Promise<void> {
  const ids = new Set(aside.flatMap(({ record }) => record?.slipId ?? []));
  const stored = await tx.load([...ids]);
  const slips = new Map<string, SlipChange>();
  const log: LogEntry[] = [];
  const others: AsideEntry[] = [];
  for (const one of aside) {
    const { record, offset, waitsBehind } = one;
    const mark = markOf(one);
    const known = record === null ? undefined : (slips.get(record.slipId) ?? stored.get(record.slipId));
    const slip = known?.slip ?? null;
    // Of a slip that stands further on: a copy, or a stranger's record under its name. It is in the log all the same.
    const isPast = slip !== null && offset <= slip.position;
    if (record === null || isPast || (waitsBehind && (slip?.waitsFrom ?? null) === null)) {
      // One without a mark was kept before.
      if (mark !== null) others.push({ leaf: one, mark });
      continue;
    }
    const followed = followUnread(slip, record, sha256);
    slips.set(record.slipId, {
      slip: followed,
      hold: known?.hold ?? null,
      entries: known?.entries ?? 0,
      snapshotAt: known?.snapshotAt ?? 0,
      before: stored.get(record.slipId) ?? null,
    });
    const { version, chain } = followed;
    log.push({ record, version, chain, status: statusOf(followed), mark });
  }
  if (log.length + others.length === 0) return;
  const nothing = { trees: [], tags: [], transactions: [], changes: [] };
  await tx.write({ log, aside: others, slips: [...slips.values()], ...nothing });
}
