import { type Envelope, readEnvelope, slipEventOf } from '@slipstream/contracts';
import { type ConsumedRecord, misplaced, RecordRejected } from '@slipstream/kafka';
import { type Instant, isSlipstreamError, keyLengthMax, SlipstreamError } from '@slipstream/kernel';
import { type RecordedEvent, wallClock } from '@slipstream/slip';
import type { LogRecord } from '../../domain/log/follow.ts';

/** Where a record lies. */
type Place = Pick<LogRecord, 'partition' | 'offset'>;

/**
 * Reads a record once. An event type that this version does not know is kept unread: a newer service may publish it.
 * @throws RecordRejected for what can be neither folded nor stored: its slip is parked, other slips go on (rule 9)
 */
export function readLogRecord(record: ConsumedRecord): LogRecord {
  if (record.value === null) throw new RecordRejected(record, 'the record has no value');
  try {
    return readLogValue(record, record.value);
  } catch (error) {
    if (isSlipstreamError(error)) throw new RecordRejected(record, error.detail, { cause: error });
    throw error;
  }
}

/** @throws SlipstreamError for what can be neither folded nor stored */
export function readLogValue(place: Place, bytes: Buffer): LogRecord {
  const envelope = readEnvelope(bytes);
  const recorded = slipEventOf(envelope);
  const problem = unusableEnvelope(envelope) ?? (recorded && unusableEvent(recorded));
  if (problem) throw new SlipstreamError('undecodable_record', problem);
  return { ...logRecord(place, bytes, envelope), recorded };
}

/** A record that was set aside, as far as the log can keep it; null: it cannot. */
export function readUnread(record: ConsumedRecord): LogRecord | null {
  if (record.value === null) return null;
  try {
    const envelope = readEnvelope(record.value);
    // What does not lie where its slip's events do is in none of their orders.
    const isOwn = envelope.sequence > 0 && misplaced(record, envelope.subject) === null;
    if (!isOwn || unusableEnvelope(envelope) !== null) return null;
    return { ...logRecord(record, record.value, envelope), recorded: null };
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}

function logRecord(
  { partition, offset }: Place,
  bytes: Buffer,
  envelope: Envelope,
): Omit<LogRecord, 'recorded'> {
  return {
    partition,
    offset,
    sequence: envelope.sequence,
    source: envelope.source,
    eventId: envelope.id,
    type: envelope.type,
    slipId: envelope.subject,
    clock: clockOf(envelope),
    time: envelope.time as Instant,
    receivedTime: envelope.receivedTime === '' ? (envelope.time as Instant) : envelope.receivedTime,
    bytes,
    traceparent: envelope.traceparent,
  };
}

function clockOf({ clock }: Envelope): string {
  return clock === '' ? wallClock : clock;
}

function unusableEnvelope(envelope: Envelope): string | null {
  if (envelope.subject === '' || envelope.time === '') return 'the event lacks time or subject';
  return unusable([envelope.id, envelope.subject, envelope.type, clockOf(envelope)]);
}

/** What the columns and the books cannot take; null when all is well. */
function unusableEvent({ event }: RecordedEvent): string | null {
  switch (event.type) {
    case 'SlipSubmitted': {
      const { reference, account, counterparty, provider, amount } = event.data;
      if (amount !== null && amount.amount <= 0n) return `the amount ${amount.amount} is not above zero`;
      return unusable([reference, account, counterparty, provider, amount?.currency ?? null]);
    }
    case 'SlipRejected':
      return unusable([event.data.reference]);
    case 'SlipReturned':
      return unusable([event.data.provider, event.data.fee?.currency ?? null]);
    case 'DispatchIntended':
    case 'SlipAcknowledged':
    case 'SlipProgressed':
    case 'DispatchNotSent':
    case 'DispatchUnanswered':
      return unusable([event.data.provider]);
    case 'SuspenseDecided':
      return unusable([event.data.provider]);
    case 'SlipDiagnosed':
      return unusable([event.data.cause.code]);
    default:
      return null;
  }
}

function unusable(names: readonly (string | null)[]): string | null {
  for (const name of names) {
    if (name === null) continue;
    if (name.length > keyLengthMax) return `a name has more than ${keyLengthMax} characters`;
    if (name.includes('\0')) return 'a name has the character U+0000';
  }
  return null;
}
