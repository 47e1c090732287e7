import type { PendingEvent, RecordedEvent } from '@slipstream/slip';
import { type Cue, decideInOrder, fundsNeeded } from '../domain/hold/decide-in-order.ts';
import { Past, type PastParts, type ToldAnswer } from '../domain/hold/past.ts';
import type { FollowedSlip, LogRecord } from '../domain/log/follow.ts';
import { Balances } from '../domain/posting/balances.ts';
import { bookingOf, toEvents } from './booking.ts';
import type { LateCue, LedgerTx } from './ports.ts';

/** A cue that was put off, with its slip as it stood before. */
export interface LateRecord extends Cue, Pick<LogRecord, 'partition' | 'offset' | 'traceparent'> {}

export interface LateTx extends Pick<LedgerTx, 'load' | 'lockBalances' | 'write'> {
  /** The first ones of the partition that are left, in the order of the log. */
  late(): Promise<readonly LateRecord[]>;
  /** What was said about these slips after all, by slip: the copy that was put back was one that was being folded back. */
  told(slipIds: readonly string[]): Promise<PastParts['told']>;
  decided(late: readonly LateCue[], taken: readonly ToldAnswer[]): void;
}

export interface DecideLateContext {
  newId(): string;
  transactionId(eventId: string): string;
}

/**
 * Decides what a ledger had not answered when its database was lost. By now all that it had said is booked, on every partition: it is
 * decided as it would have been, and gives the events to be published.
 */
export async function decideLate(context: DecideLateContext, tx: LateTx): Promise<readonly PendingEvent[]> {
  const events: PendingEvent[] = [];
  for (;;) {
    const late = await tx.late();
    if (late.length === 0) return events;
    const slipIds = [...new Set(late.map(({ recorded }) => recorded.slipId))];
    const stored = await tx.load(slipIds);
    const past = new Past({ told: await tx.told(slipIds), late: new Set(), isFoldedBack: () => false });
    const holds = new Map([...stored].flatMap(([id, { hold }]) => (hold === null ? [] : [[id, hold]])));
    const funds = fundsNeeded(late);
    const balances = funds.length === 0 ? new Balances() : await tx.lockBalances(funds);
    const decided = decideInOrder(late, holds, context.transactionId, balances, past);
    const changed = new Map<string, FollowedSlip>();
    for (const slipId of decided.holds.keys()) changed.set(slipId, stored.get(slipId)!.slip);
    await tx.write({ ...bookingOf(changed, decided, stored), log: [], tags: [], trees: [] });
    const cues = late.map(({ partition, offset, recorded: { slipId } }) => ({ partition, offset, slipId }));
    tx.decided(cues, past.taken);
    const causes = new Map<RecordedEvent, LateRecord>(late.map((one) => [one.recorded, one]));
    events.push(...toEvents(context, decided, causes));
  }
}
