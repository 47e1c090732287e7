import { readEnvelope, slipEventOf, slipEventType, topics } from '@slipstream/contracts';
import { type Batch, DecodedUnits, type EventWalk, RecordRejected, readEach } from '@slipstream/kafka';
import { must } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { GuardedSubscription } from '@slipstream/runtime';
import type { FollowedEvent, NewlyDue } from '../../application/follow-slips.ts';
import type { Intents } from '../../application/intents.ts';
import type { Count, StoreTx } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { ownEvents } from '../../domain/dispatch/fold-back.ts';
import { followedEvents } from '../../domain/dispatch/follow-event.ts';

export const slipEventsGroup = 'provider-gateway';

/** Of one transaction. */
const recordsMax = 2_000;
/** For the hold of a slip that was submitted. */
const patienceMs = 100;

/** Follows the slips' events; those of types this service does nothing with are never decoded. */
export function slipEvents(parts: {
  readonly does: Pick<UseCases, 'followSlips' | 'foldBackSlips'>;
  readonly open: (tx: Tx) => StoreTx;
  readonly count: Count;
  /** For what becomes due in a unit that begins after it; null: it is left to the workers. */
  readonly newIntents: () => Intents | null;
  /** Rows became due, and their transaction is committed. */
  readonly onDue: (due: NewlyDue) => void;
}): GuardedSubscription & Required<Pick<GuardedSubscription, 'whileOlder'>> {
  const { does, open, count, newIntents, onDue } = parts;
  const follow = async (tx: Tx, events: readonly FollowedEvent[], intents: Intents | null = null) => {
    const due = await does.followSlips(open(tx), events, intents);
    if (due.calls + due.inquiries > 0) tx.afterCommit(() => onDue(due));
  };
  const foldBack = (tx: Tx, events: readonly FollowedEvent[]) => does.foldBackSlips(open(tx), events);
  const reader =
    (wanted: ReadonlySet<string>) =>
    (partition: number, { type }: EventWalk, value: Buffer) =>
      read({ value, type, partition }, wanted, count);
  return {
    topic: topics.events.name,
    group: slipEventsGroup,
    sequenced: true,
    units: new DecodedUnits<Tx, FollowedEvent, Intents | null>({
      recordsMax,
      read: reader(followedEvents),
      // Nothing is done about a slip before it is held, which it is soon: both are one unit then, and one row written once.
      isAwaited: ({ recorded }) => recorded.event.type !== 'SlipSubmitted',
      patienceMs,
      begin: newIntents,
      apply: follow,
    }),
    unitsWhileOlder: new DecodedUnits<Tx, FollowedEvent>({
      recordsMax,
      read: reader(foldedEvents),
      apply: foldBack,
    }),
    handle: async (tx, batch) => follow(tx, decode(batch, followedEvents, count)),
    whileOlder: async (tx, batch) => foldBack(tx, decode(batch, foldedEvents, count)),
  };
}

const foldedEvents: ReadonlySet<string> = new Set([...followedEvents, ...ownEvents]);

function decode(batch: Batch, wanted: ReadonlySet<string>, count: Count): FollowedEvent[] {
  return readEach(batch.records, (record) => {
    try {
      if (record.value === null) throw new Error('the record has no value');
      const { type } = readEnvelope(record.value);
      return read({ value: record.value, type, partition: batch.partition }, wanted, count);
    } catch (cause) {
      throw new RecordRejected(record, (cause as Error).message, { cause });
    }
  }).filter((event) => event !== null);
}

interface Place {
  readonly value: Buffer;
  readonly type: string;
  readonly partition: number;
}

/** Null: nothing follows from it here. @throws SlipstreamError for what cannot be read */
function read(
  { value, type: name, partition }: Place,
  wanted: ReadonlySet<string>,
  count: Count,
): FollowedEvent | null {
  const type = slipEventType(name);
  if (type === undefined) count('unknown_event_type');
  if (type === undefined || !wanted.has(type)) return null;
  const envelope = readEnvelope(value);
  const recorded = must(slipEventOf(envelope), 'a known type decodes');
  return { recorded, partition, traceparent: envelope.traceparent };
}
