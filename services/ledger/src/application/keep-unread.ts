import { followUnread, type LogRecord, type Sha256, statusOf } from '../domain/log/follow.ts';
import type { LedgerTx, LogEntry, SlipChange } from './ports.ts';

/** A record set aside. */
export interface Unread {
  readonly record: LogRecord;
  /** Only because an earlier one of its slip was. */
  readonly waitsBehind: boolean;
}

/**
 * Logs records that were set aside, so that the log is whole and their slip is shown; they are folded, and decided on,
 * when they are read again. A record behind one that is not in the log is left out as well: order comes before haste.
 */
export async function keepUnread(sha256: Sha256, tx: LedgerTx, unread: readonly Unread[]): Promise<void> {
  const stored = await tx.load([...new Set(unread.map(({ record }) => record.slipId))]);
  const slips = new Map<string, SlipChange>();
  const log: LogEntry[] = [];
  for (const { record, waitsBehind } of unread) {
    const known = slips.get(record.slipId) ?? stored.get(record.slipId);
    const slip = known?.slip ?? null;
    if (slip !== null && record.offset <= slip.position) continue;
    if (waitsBehind && (slip?.waitsFrom ?? null) === null) continue;
    const followed = followUnread(slip, record, sha256);
    slips.set(record.slipId, {
      slip: followed,
      hold: known?.hold ?? null,
      entries: known?.entries ?? 0,
      snapshotAt: known?.snapshotAt ?? 0,
      before: stored.get(record.slipId) ?? null,
    });
    const { version, chain } = followed;
    log.push({ record, version, chain, status: statusOf(followed) });
  }
  if (log.length === 0) return;
  await tx.write({ log, slips: [...slips.values()], transactions: [], changes: [] });
}
