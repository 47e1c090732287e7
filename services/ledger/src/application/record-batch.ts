import { SlipstreamError } from '@slipstream/kernel';
import type { Anomaly, PendingEvent, RecordedEvent, Transaction } from '@slipstream/slip';
import {
  type Answers,
  type Cue,
  decideInOrder,
  fundsNeeded,
  mayMoveMoney,
} from '../domain/hold/decide-in-order.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { Past } from '../domain/hold/past.ts';
import {
  type FollowedSlip,
  foldLogged,
  follow,
  type LogRecord,
  type Sha256,
  statusOf,
  waits,
} from '../domain/log/follow.ts';
import { type LoggedTag, tagsOf } from '../domain/log/tags.ts';
import { GrowingTrees, type TreeHashes } from '../domain/log/tree.ts';
import { Balances } from '../domain/posting/balances.ts';
import { resultsBetween } from '../domain/statistics/results.ts';
import { bookingOf, toEvents } from './booking.ts';
import { keepAside, type SetAside } from './keep-aside.ts';
import type { LedgerMonitor, LedgerTx, LogEntry, Lost, Resent, StoredSlip } from './ports.ts';

export interface RecordBatchContext {
  readonly sha256: Sha256;
  readonly treeHashes: TreeHashes;
  readonly monitor: LedgerMonitor;
  newId(): string;
  transactionId(eventId: string): string;
}

export interface LedgerBatch {
  /** Of any partitions, each in offset order. */
  readonly records: readonly LogRecord[];
  /** Records known to have been handled before. */
  readonly resent: readonly Resent[];
  /** Records that wait, or count for nothing: only kept. */
  readonly aside: readonly SetAside[];
}

/**
 * Takes a batch of the log into the books, all in one transaction: appends it, follows the slips, decides about money
 * in log order, and gives the events to be published. Every record gets its leaf in the tree of its partition. A record that was taken in before changes nothing.
 * Everything is decided before anything is written; only payouts that need funds ask for balances first.
 */
export async function recordBatch(
  context: RecordBatchContext,
  tx: LedgerTx,
  batch: LedgerBatch,
): Promise<readonly PendingEvent[]> {
  const { records, resent, aside } = batch;
  const partitions = partitionsOf(records, aside);
  const lost = await tx.lost(partitions);
  const [stored, trees] = await Promise.all([
    tx.load([...new Set(records.map((record) => record.slipId))]),
    tx.trees(partitions),
  ]);
  const growing = new GrowingTrees(trees, context.treeHashes, aside);
  const taken = takeIn(context, stored, growing, records);
  const past = lost && (await pastOf(lost, taken));
  const decided = await decideMoney(context, tx, stored, taken, past);
  const grown = growing.grown();
  if (taken.slips.size + grown.length > 0)
    await tx.write({
      ...bookingOf(taken.slips, decided, stored),
      log: taken.entries,
      tags: taken.tags,
      trees: grown,
    });
  if (aside.length > 0) await keepAside(context.sha256, tx, aside, (one) => growing.markOf(one));
  if (past !== null) await keepPast(lost!, past, taken);
  // Now the log has what came twice in this very batch as well.
  await compareResent(context, tx, [...resent, ...taken.resent]);
  tx.afterCommit(() => tell(context.monitor, taken, decided, stored));
  return toEvents(context, decided, taken.causes);
}

function partitionsOf(records: readonly LogRecord[], aside: readonly SetAside[]): number[] {
  const partitions = new Set<number>();
  for (const { partition } of records) partitions.add(partition);
  for (const { partition } of aside) partitions.add(partition);
  return [...partitions];
}

function tell(
  monitor: LedgerMonitor,
  { entries, slips, unknownTypes, anomalies }: Taken,
  { answers }: Answers,
  stored: ReadonlyMap<string, StoredSlip>,
): void {
  monitor.eventsAppended(entries.length);
  monitor.postingsBooked(answers.reduce((sum, { transactions }) => sum + postingsIn(transactions), 0));
  for (const [slipId, slip] of slips) {
    for (const result of resultsBetween(stored.get(slipId)?.slip ?? null, slip))
      monitor.slipReached(result, slip.state?.provider ?? '', slip.state?.route ?? '');
  }
  for (const type of unknownTypes) monitor.unknownType(type);
  for (const anomaly of anomalies) monitor.anomaly(anomaly);
}

function postingsIn(transactions: readonly Transaction[]): number {
  return transactions.reduce((sum, { postings }) => sum + postings.length, 0);
}

interface Taken {
  readonly entries: LogEntry[];
  readonly slips: Map<string, FollowedSlip>;
  readonly tags: LoggedTag[];
  readonly cues: Cue[];
  readonly resent: Resent[];
  readonly causes: Map<RecordedEvent, LogRecord>;
  readonly unknownTypes: string[];
  readonly anomalies: Anomaly[];
}

function takeIn(
  { sha256 }: RecordBatchContext,
  stored: ReadonlyMap<string, StoredSlip>,
  growing: GrowingTrees,
  records: readonly LogRecord[],
): Taken {
  const taken: Taken = {
    ...{
      entries: [],
      slips: new Map(),
      tags: [],
      cues: [],
      resent: [],
      causes: new Map(),
      unknownTypes: [],
      anomalies: [],
    },
  };
  for (const record of records) {
    const { slipId, recorded, partition, offset } = record;
    const slip = taken.slips.get(slipId) ?? stored.get(slipId)?.slip ?? null;
    const isLogged = slip !== null && waits(slip, record);
    if (slip !== null && !isLogged && offset <= slip.position) {
      const { source, sequence, bytes } = record;
      const digest = sha256(bytes);
      taken.resent.push({ partition, slipId, key: slipId, source, sequence, offset, digest });
      continue;
    }
    const followed = isLogged ? foldLogged(slip, record) : follow(slip, record, sha256);
    taken.slips.set(slipId, followed);
    if (!isLogged) taken.entries.push(logEntry(record, followed, growing.append(record)));
    if (hasAnomaly(followed, slip)) taken.anomalies.push(followed.state!.anomalies.at(-1)!);
    if (recorded === null) {
      taken.unknownTypes.push(record.type);
      continue;
    }
    const before = slip?.state ?? null;
    for (const tag of tagsOf(before, recorded.event, followed.state))
      taken.tags.push({ ...tag, partition, offset });
    if (!mayMoveMoney(recorded.event)) continue;
    taken.cues.push({ before, recorded });
    taken.causes.set(recorded, record);
  }
  return taken;
}

/** Whether the event that was just folded left one. */
function hasAnomaly({ state }: FollowedSlip, before: FollowedSlip | null): boolean {
  return state !== null && state.anomalyCount > (before?.state?.anomalyCount ?? 0);
}

function logEntry(record: LogRecord, followed: FollowedSlip, mark: number | null): LogEntry {
  return { record, version: followed.version, chain: followed.chain, status: statusOf(followed), mark };
}

async function compareResent(
  { monitor }: RecordBatchContext,
  tx: LedgerTx,
  resent: readonly Resent[],
): Promise<void> {
  if (resent.length === 0) return;
  const differing = await tx.differing(resent);
  for (const one of differing) monitor.resentBytesDiffer(one);
  refuseFork(differing);
}

/** A number that stands for two events: the partition waits, loudly, until people have looked (rules 4 and 8). */
function refuseFork([first]: readonly Resent[]): void {
  if (first === undefined) return;
  const { source, sequence, offset } = first;
  const what = `a fork: the record at offset ${offset} says it is event ${sequence} of ${source}, which was logged with other bytes`;
  throw new SlipstreamError('unavailable', what);
}

async function decideMoney(
  { transactionId }: RecordBatchContext,
  tx: LedgerTx,
  stored: ReadonlyMap<string, StoredSlip>,
  { cues }: Taken,
  past: Past | null,
): Promise<Answers> {
  const before = new Map<string, Hold>();
  for (const [slipId, { hold }] of stored) if (hold !== null) before.set(slipId, hold);
  const funds = fundsNeeded(cues.filter(({ recorded }) => !past?.isFoldedBack(recorded.slipId)));
  const balances = funds.length === 0 ? new Balances() : await tx.lockBalances(funds);
  return decideInOrder(cues, before, transactionId, balances, past);
}

async function pastOf(lost: Lost, { cues, slips }: Taken): Promise<Past> {
  const known = await lost.of([...new Set(cues.map(({ recorded }) => recorded.slipId))]);
  const isFoldedBack = (slipId: string) => lost.foldedBack.has(slips.get(slipId)!.partition);
  return new Past({ ...known, isFoldedBack });
}

async function keepPast(lost: Lost, { taken, putOff }: Past, { causes }: Taken): Promise<void> {
  const late = putOff.map((cue) => causes.get(cue)!);
  if (taken.length + late.length > 0) await lost.keep(taken, late);
}
