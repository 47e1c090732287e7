import type { ConsumedRecord } from '@slipstream/kafka';
import { type PendingEvent, type Posting, serializeState, type Transaction } from '@slipstream/slip';
import { readLogRecord, readUnread } from '../src/adapters/kafka/read-log-record.ts';
import { sha256, transactionId } from '../src/digests.ts';
import { changesOf, decideInOrder, mayMoveMoney } from '../src/domain/hold/decide-in-order.ts';
import type { Hold } from '../src/domain/hold/hold.ts';
import {
  type FollowedSlip,
  foldLogged,
  follow,
  followUnread,
  type Hash,
  type LogRecord,
  waits,
} from '../src/domain/log/follow.ts';
import { Balances } from '../src/domain/posting/balances.ts';

/** The domain alone, one record after the other, in memory: what any faster way must come to as well. */
export class PlainBooks {
  readonly log: { partition: number; record: LogRecord; version: number; chain: Hash }[] = [];
  readonly slips = new Map<string, { partition: number; slip: FollowedSlip }>();
  readonly holds = new Map<string, Hold>();
  readonly balances = new Balances();
  readonly transactions: { transaction: Transaction; slipId: string; clock: string; partition: number }[] =
    [];

  /** Takes a record in; gives what the ledger answers. */
  take(consumed: ConsumedRecord): Pick<PendingEvent, 'slipId' | 'clock' | 'event' | 'receivedAt'>[] {
    const { partition } = consumed;
    const record = readLogRecord(consumed);
    const { slipId, recorded } = record;
    const before = this.slips.get(slipId)?.slip ?? null;
    const isLogged = before !== null && waits(before, record);
    const slip = isLogged ? foldLogged(before, record) : follow(before, record, sha256);
    this.slips.set(slipId, { partition, slip });
    if (!isLogged) this.log.push({ partition, record, version: slip.version, chain: slip.chain });
    if (recorded === null || !mayMoveMoney(recorded.event)) return [];
    const cue = { before: before?.state ?? null, recorded };
    const decided = decideInOrder([cue], this.holds, transactionId, this.balances);
    for (const [id, hold] of decided.holds) this.holds.set(id, hold);
    for (const { change, ...key } of changesOf(decided.answers).changes()) this.balances.add(key, change);
    return decided.answers.map(({ clock, event, transactions }) => {
      for (const transaction of transactions)
        this.transactions.push({ transaction, slipId, clock, partition });
      return { slipId, clock, event, receivedAt: clock === 'wall' ? null : recorded.receivedTime };
    });
  }

  /** Logs a record that is set aside; it is taken in when it is read again, if it ever is. */
  setAside(consumed: ConsumedRecord, waitsBehind: boolean): void {
    const record = readUnread(consumed)!;
    const { partition, slipId } = record;
    const before = this.slips.get(slipId)?.slip ?? null;
    // The one before it is not in the log, so neither is it: it comes there when it is read again.
    if (waitsBehind && (before === null || before.waitsFrom === null)) return;
    const slip = followUnread(before, record, sha256);
    this.slips.set(slipId, { partition, slip });
    this.log.push({ partition, record, version: slip.version, chain: slip.chain });
  }
}

export interface BooksAsText {
  readonly log: string[];
  readonly slips: string[];
  readonly transactions: string[];
  readonly balances: string[];
}

const hexOf = (hash: Hash) => Buffer.from(hash, 'latin1').toString('hex');

export const logText = (
  partition: number,
  offset: number,
  slipId: string,
  version: number,
  bytes: Buffer,
  chain: Hash,
) => `${partition}:${offset} ${slipId} ${version} ${hexOf(sha256(bytes))} ${hexOf(chain)}`;
export const slipText = (partition: number, slip: FollowedSlip, hold: Hold | null) =>
  [
    ...[slip.slipId, partition, slip.version, slip.position, slip.waitsFrom, hexOf(slip.chain)],
    ...[slip.clock, slip.listedAt, slip.state && serializeState(slip.state)],
    hold &&
      `${hold.status} ${hold.clock} ${hold.kind} ${hold.account} ${hold.counterparty} ${hold.amount?.amount} ${hold.amount?.currency} ${hold.executed} ${hold.references}`,
  ].join(' ');
export const transactionText = (slipId: string, { id, type, postings }: Transaction) =>
  `${slipId} ${id} ${type} ${postings.map(postingText).join(' ')}`;
const postingText = ({ account, direction, amount }: Posting) =>
  `${account} ${direction} ${amount.amount} ${amount.currency}`;

/** Balances of zero are left out: an account that was opened in vain says nothing. */
export function balancesText(
  balances: readonly { clock: string; name: string; currency: string; change: bigint }[],
): string[] {
  return balances
    .filter(({ change }) => change !== 0n)
    .map(({ clock, name, currency, change }) => `${clock} ${name} ${currency} ${change}`)
    .sort();
}

export function asText(books: PlainBooks): BooksAsText {
  return {
    log: books.log
      .map(({ partition, record, version, chain }) =>
        logText(partition, record.offset, record.slipId, version, record.bytes, chain),
      )
      .sort(),
    slips: [...books.slips]
      .map(([id, { partition, slip }]) => slipText(partition, slip, books.holds.get(id) ?? null))
      .sort(),
    transactions: books.transactions
      .map(({ slipId, transaction }) => transactionText(slipId, transaction))
      .sort(),
    balances: balancesText(books.balances.changes()),
  };
}
