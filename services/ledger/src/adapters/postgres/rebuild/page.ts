import { readEnvelope, slipEventOf, sources, stampEnvelope, topics } from '@slipstream/contracts';
import { type Instant, isSlipstreamError } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { type RecordedEvent, wallClock } from '@slipstream/slip';
import { consumerGroup } from '../../../application/consumer-group.ts';
import type { SlipLog, SlipRecord } from '../../../domain/rebuild/fold-slip.ts';

const eventsSql = `
select slip_id, partition, kafka_offset, bytes from event_log where slip_id = any($1::text[]) order by slip_id, version`;
const waitingSql = 'select id, waits_from from slip where id = any($1::text[]) and waits_from is not null';
const dismissedSql = `
select partition, kafka_offset from dead_letter
where consumer_group = $1 and topic = $2 and status = 'dismissed' and park_key = any($3::text[])`;
/** What the ledger has said and not read back from the topic yet: of each partition the end, for what it has read back stays for days. */
const pendingSql = `
select o.key, o.seq, o.at, o.received_at, o.body from sequencer s
  left join consumer_sequence c on c.consumer_group = $1 and c.topic = s.topic and c.partition = s.partition and c.source = $3
  cross join lateral (
    select * from outbox_event where topic = s.topic and partition = s.partition and row_seq > coalesce(c.seq, 0)
      and seq > coalesce(c.seq, 0) offset 0) as o
where s.topic = $2 and o.key = any($4::text[]) order by o.partition, o.seq`;

interface EventRow {
  slip_id: string;
  partition: number;
  kafka_offset: string;
  bytes: Buffer;
}

interface PendingRow {
  key: string;
  seq: string;
  at: Instant;
  received_at: Instant | null;
  body: Buffer;
}

/** All that is known of slips from their logs, by their ids. Read it in one snapshot of the database. */
export async function slipLogs(tx: Pick<Tx, 'query'>, ids: readonly string[]): Promise<Map<string, SlipLog>> {
  const topic = topics.events.name;
  const [events, waiting, dismissed, pending] = await Promise.all([
    tx.query<EventRow>(eventsSql, [ids]),
    tx.query<{ id: string; waits_from: string }>(waitingSql, [ids]),
    tx.query<{ partition: number; kafka_offset: string }>(dismissedSql, [consumerGroup, topic, ids]),
    tx.query<PendingRow>(pendingSql, [consumerGroup, topic, sources.ledger, ids]),
  ]);
  const waitsFrom = new Map(waiting.map((row) => [row.id, Number(row.waits_from)]));
  const givenUp = new Set(dismissed.map(({ partition, kafka_offset }) => `${partition}:${kafka_offset}`));
  const logs = new Map<
    string,
    SlipLog & { records: SlipRecord[]; ids: Set<string>; pending: RecordedEvent[] }
  >();
  for (const row of events) {
    const own = waitsFrom.get(row.slip_id) ?? null;
    const log = logs.get(row.slip_id) ?? { records: [], waitsFrom: own, ids: new Set(), pending: [] };
    logs.set(row.slip_id, log);
    const isGivenUp = givenUp.has(`${row.partition}:${row.kafka_offset}`);
    const record = toRecord(row, isGivenUp, log.waitsFrom ?? Number.POSITIVE_INFINITY);
    log.records.push(record);
    if (record.recorded !== null) log.ids.add(record.recorded.id);
  }
  for (const { key, seq, at, received_at, body } of pending) {
    const stamped = stampEnvelope(body, { sequence: seq, time: at, receivedTime: received_at ?? at });
    const recorded = slipEventOf(readEnvelope(stamped));
    const log = logs.get(key);
    if (log && recorded && !log.ids.has(recorded.id)) log.pending.push(recorded);
  }
  return logs;
}

function toRecord(row: EventRow, isGivenUp: boolean, waitsFrom: number): SlipRecord {
  const { slip_id, partition, kafka_offset, bytes } = row;
  const offset = Number(kafka_offset);
  const waits = offset >= waitsFrom;
  const envelope = readEnvelope(bytes);
  const time = envelope.time as Instant;
  return {
    ...{ slipId: slip_id, partition, offset, bytes, time, waits },
    clock: envelope.clock === '' ? wallClock : envelope.clock,
    receivedTime: envelope.receivedTime === '' ? time : envelope.receivedTime,
    // What was given up was never folded; what waits may be unreadable.
    recorded: isGivenUp ? null : readable(() => slipEventOf(envelope), waits),
  };
}

/** @throws SlipstreamError when it cannot be read, and must */
function readable<T>(read: () => T, maybeNot: boolean): T | null {
  try {
    return read();
  } catch (error) {
    if (maybeNot && isSlipstreamError(error)) return null;
    throw error;
  }
}
