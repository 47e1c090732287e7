import { readEnvelope, topics } from '@slipstream/contracts';
import { type Batch, type DeadLetter, DecodedUnits, keyText, readEach } from '@slipstream/kafka';
import { isSlipstreamError, storableText } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { GuardedSubscription } from '@slipstream/runtime';
import { consumerGroup } from '../../application/consumer-group.ts';
import type { SetAside } from '../../application/keep-aside.ts';
import type { LedgerBatch } from '../../application/record-batch.ts';
import type { LogRecord, Sha256 } from '../../domain/log/follow.ts';
import type { EventsHandler } from './events-handler.ts';
import { readLogRecord, readLogValue, readUnread } from './read-log-record.ts';
import { SharedTerms } from './shared-terms.ts';

/** Of one transaction. Small enough that little of it grows old in V8's heap. */
const recordsMax = 1_000;
/**
 * Their accounts and slips are of different partitions: while PostgreSQL writes some, another is decided here. With two, both
 * waited for PostgreSQL at the same time a third of the time.
 */
const unitsAtOnce = 4;

/**
 * A quarter of what others fetch, and wait: it keeps the ledger as busy, and takes 30 MiB less, for the whole of an answer is in memory
 * until the last of its records is written.
 */
const fetches = {
  partitionBytesMax: 128 * 1024,
  fetchBytesMax: 1024 * 1024,
  waitingBytesMax: 2 * 1024 * 1024,
};

/**
 * Every slip event of every source goes into the log, the ledger's own too; its answers go to the same partition. While the database is older
 * than its log the same is done, with the answers that the log has.
 */
export function eventsSubscription(handler: EventsHandler): GuardedSubscription {
  const record = async (tx: Tx, batch: LedgerBatch) => {
    const answers = await handler.recordBatch(handler.ledgerTx(tx), batch);
    tx.publish(answers.map((answer) => handler.outbound(answer)));
  };
  const terms = new SharedTerms();
  return {
    topic: topics.events.name,
    group: consumerGroup,
    sequenced: true,
    goesOnWhileOlder: true,
    fetches,
    units: new DecodedUnits<Tx, LogRecord>({
      ...{ recordsMax, unitsAtOnce },
      read: (partition, { offset }, value) => terms.of(readLogValue({ partition, offset }, value)),
      apply: (tx, records) => record(tx, { records, resent: [], aside: [] }),
      open: (partition) => handler.open(partition),
      forget: (partition) => handler.forget(partition),
    }),
    handle: async (tx, batch) => record(tx, toLedgerBatch(batch, [], handler.sha256)),
    keep: async (tx, batch, letters) => record(tx, toLedgerBatch(batch, letters, handler.sha256)),
  };
}

const noBytes = Buffer.alloc(0);

/** A letter whose key does not wait is none that its slip may ever have. */
function toSetAside({ record, reason, parkKey }: DeadLetter): SetAside {
  const { partition, offset, value } = record;
  const read = parkKey === null ? null : readUnread(record);
  return {
    partition,
    offset,
    bytes: value ?? noBytes,
    record: read,
    waitsBehind: reason === 'parked_behind',
  };
}

function toLedgerBatch(
  { partition, records, resent }: Batch,
  letters: readonly DeadLetter[],
  sha256: Sha256,
): LedgerBatch {
  return {
    aside: letters.map(toSetAside),
    records: readEach(records, readLogRecord),
    resent: resent.flatMap(({ source, sequence, offset, key, value }) => {
      if (value === null) return [];
      const slipId = subjectOf(value) ?? storableText(key?.toString('utf8') ?? '');
      const parkKey = keyText(key);
      return [{ partition, slipId, key: parkKey, source, sequence, offset, digest: sha256(value) }];
    }),
  };
}

/** The slip under which the event is logged, if it is; null: it cannot be read. */
function subjectOf(value: Buffer): string | null {
  try {
    return storableText(readEnvelope(value).subject);
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}
