import { isLive, type PendingEvent } from '@slipstream/slip';
import {
  type Answers,
  anyNeedsFunds,
  type Cue,
  decideInOrder,
  mayMoveMoney,
} from '../domain/hold/decide-in-order.ts';
import type { Hold } from '../domain/hold/hold.ts';
import {
  type FollowedSlip,
  foldLogged,
  follow,
  type LogRecord,
  type Sha256,
  waits,
} from '../domain/log/follow.ts';
import type { Booking, LedgerMonitor, LedgerTx, LogEntry, Resent, StoredSlip } from './ports.ts';

export interface RecordBatchContext {
  readonly sha256: Sha256;
  readonly monitor: LedgerMonitor;
  newId(): string;
  transactionId(eventId: string): string;
}

export interface LedgerBatch {
  readonly partition: number;
  /** In offset order. */
  readonly records: readonly LogRecord[];
  /** Records known to have been handled before. */
  readonly resent: readonly Resent[];
}

/**
 * Takes a batch of the log into the books, all in one transaction: appends it, follows the slips, decides about money
 * in log order, and gives the events to be published. A record that was taken in before changes nothing.
 * The accounts are locked last, because partitions share them and nothing else.
 */
export async function recordBatch(
  context: RecordBatchContext,
  tx: LedgerTx,
  batch: LedgerBatch,
): Promise<readonly PendingEvent[]> {
  const stored = await tx.load([...new Set(batch.records.map((record) => record.slipId))]);
  const taken = takeIn(context, stored, batch.records);
  if (taken.entries.length > 0) await tx.append(batch.partition, taken.entries);
  if (taken.slips.size > 0) await tx.saveSlips(batch.partition, [...taken.slips.values()]);
  await compareResent(context, tx, batch.partition, [...batch.resent, ...taken.resent]);
  const answers =
    taken.cues.length === 0 ? [] : await decideMoney(context, tx, stored, batch.partition, taken);
  context.monitor.eventsAppended(taken.entries.length);
  return answers;
}

interface Taken {
  readonly entries: LogEntry[];
  readonly slips: Map<string, FollowedSlip>;
  readonly cues: Cue[];
  readonly resent: Resent[];
  /** Trace context by event id. */
  readonly traces: Map<string, string>;
}

function takeIn(
  { sha256, monitor }: RecordBatchContext,
  stored: ReadonlyMap<string, StoredSlip>,
  records: readonly LogRecord[],
): Taken {
  const taken: Taken = { entries: [], slips: new Map(), cues: [], resent: [], traces: new Map() };
  for (const record of records) {
    const { slipId, recorded } = record;
    const slip = taken.slips.get(slipId) ?? stored.get(slipId)?.slip ?? null;
    const isLogged = slip !== null && waits(slip, record);
    if (slip !== null && !isLogged && record.offset <= slip.position) {
      const { source, sequence, offset, bytes } = record;
      taken.resent.push({ source, sequence, offset, digest: sha256(bytes) });
      continue;
    }
    const followed = isLogged ? foldLogged(slip, record) : follow(slip, record, sha256);
    taken.slips.set(slipId, followed);
    if (!isLogged) taken.entries.push({ record, version: followed.version, chain: followed.chain });
    if (recorded === null) monitor.unknownType(record.type);
    else if (mayMoveMoney(recorded.event)) {
      taken.cues.push({ before: slip?.state ?? null, recorded });
      taken.traces.set(recorded.id, record.traceparent);
    }
  }
  return taken;
}

async function compareResent(
  { monitor }: RecordBatchContext,
  tx: LedgerTx,
  partition: number,
  resent: readonly Resent[],
): Promise<void> {
  if (resent.length === 0) return;
  for (const one of await tx.differing(partition, resent)) monitor.resentBytesDiffer(partition, one);
}

async function decideMoney(
  context: RecordBatchContext,
  tx: LedgerTx,
  stored: ReadonlyMap<string, StoredSlip>,
  partition: number,
  { cues, traces }: Taken,
): Promise<readonly PendingEvent[]> {
  const before = new Map<string, Hold>();
  for (const [slipId, { hold }] of stored) if (hold !== null) before.set(slipId, hold);
  const likely = decideInOrder(cues, before, context.transactionId, 'unlimited');
  if (likely.answers.length === 0) return [];
  const accounts = likely.changes.changes();
  const balances = accounts.length === 0 ? null : await tx.lockAccounts(accounts);
  const decided =
    balances !== null && anyNeedsFunds(cues)
      ? decideInOrder(cues, before, context.transactionId, balances)
      : likely;
  const events = toEvents(context, decided, partition, traces);
  const booking = bookingOf(decided, events, before);
  await tx.book(booking);
  const count = booking.transactions.reduce((sum, { transaction }) => sum + transaction.postings.length, 0);
  context.monitor.postingsBooked(count);
  return events;
}

type AnswerEvent = PendingEvent & { readonly id: string };

/** The ids are known here already, because the transactions name their events. */
function toEvents(
  { newId }: RecordBatchContext,
  { answers }: Answers,
  partition: number,
  traces: ReadonlyMap<string, string>,
): AnswerEvent[] {
  return answers.map(({ cause, clock, event }) => ({
    id: newId(),
    slipId: cause.slipId,
    partition,
    clock,
    event,
    // On an imported clock only the importer's time means anything; in real time it is the time of this commit.
    receivedAt: isLive(clock) ? null : cause.receivedTime,
    traceparent: traces.get(cause.id),
  }));
}

function bookingOf(
  { answers, holds, changes }: Answers,
  events: readonly AnswerEvent[],
  before: ReadonlyMap<string, Hold>,
): Booking {
  const transactions = answers.flatMap(({ cause, clock, transaction }, index) => {
    if (transaction === null) return [];
    return [{ transaction, slipId: cause.slipId, clock, eventId: events[index]!.id }];
  });
  const newHolds: Hold[] = [];
  const changedHolds: { hold: Hold; from: Hold['status'] }[] = [];
  for (const hold of holds.values()) {
    const old = before.get(hold.slipId);
    if (old) changedHolds.push({ hold, from: old.status });
    else newHolds.push(hold);
  }
  return { transactions, changes: changes.changes(), newHolds, changedHolds };
}
