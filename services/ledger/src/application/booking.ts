import { isLive, type PendingEvent, type RecordedEvent } from '@slipstream/slip';
import { type Answer, type Answers, changesOf } from '../domain/hold/decide-in-order.ts';
import type { FollowedSlip, LogRecord } from '../domain/log/follow.ts';
import type { Booking, NumberedTransaction, SlipChange, StoredSlip } from './ports.ts';
import { snapshotAfter } from './snapshot.ts';

/** What is published of answers; what the log has already is not. */
export function toEvents(
  { newId }: { newId(): string },
  { answers }: Answers,
  causes: ReadonlyMap<RecordedEvent, Pick<LogRecord, 'partition' | 'traceparent'>>,
): PendingEvent[] {
  return answers
    .filter(({ isTold }) => !isTold)
    .map(({ cause, clock, event }) => {
      const { partition, traceparent } = causes.get(cause)!;
      // On an imported clock only the importer's time means anything; in real time it is the time of this commit.
      const receivedAt = isLive(clock) ? null : cause.receivedTime;
      return { id: newId(), slipId: cause.slipId, partition, clock, event, receivedAt, traceparent };
    });
}

/** What slips and their answers change in the books. `slips`: as they are now. */
export function bookingOf(
  slips: ReadonlyMap<string, FollowedSlip>,
  { answers, holds }: Answers,
  stored: ReadonlyMap<string, StoredSlip>,
): Pick<Booking, 'aside' | 'slips' | 'transactions' | 'changes'> {
  const counts = new Map<string, number>();
  const transactions: NumberedTransaction[] = [];
  const booked = new Map<number, Answer[]>();
  for (const answer of answers) {
    const { cause, clock } = answer;
    if (answer.transactions.length === 0) continue;
    const { slipId } = cause;
    const { partition } = slips.get(slipId)!;
    for (const transaction of answer.transactions) {
      const n = (counts.get(slipId) ?? stored.get(slipId)?.entries ?? 0) + 1;
      counts.set(slipId, n);
      transactions.push({ partition, transaction, slipId, clock, n });
    }
    const among = booked.get(partition);
    if (among) among.push(answer);
    else booked.set(partition, [answer]);
  }
  const changed = [...slips].map(([slipId, slip]): SlipChange => {
    const before = stored.get(slipId) ?? null;
    return {
      slip,
      hold: holds.get(slipId) ?? before?.hold ?? null,
      entries: counts.get(slipId) ?? before?.entries ?? 0,
      snapshotAt: snapshotAfter(before, slip),
      before,
    };
  });
  const changes = [...booked].flatMap(([partition, some]) =>
    changesOf(some)
      .changes()
      .map((one) => ({ partition, ...one })),
  );
  return { aside: [], slips: changed, transactions, changes };
}
