import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import { type ConsumedRecord, RecordRejected } from '@slipstream/kafka';
import { isSlipstreamError, keyLengthMax } from '@slipstream/kernel';
import { type RecordedEvent, wallClock } from '@slipstream/slip';
import type { LogRecord } from '../../domain/log/follow.ts';

/**
 * Reads a record once. An event type that this version does not know is kept unread: a newer service may publish it.
 * @throws RecordRejected for what can be neither folded nor stored: its slip is parked, other slips go on (rule 9)
 */
export function readLogRecord(record: ConsumedRecord): LogRecord {
  if (record.value === null) throw new RecordRejected(record, 'the record has no value');
  try {
    const envelope = readEnvelope(record.value);
    const recorded = slipEventOf(envelope);
    const slipId = envelope.subject;
    const clock = envelope.clock === '' ? wallClock : envelope.clock;
    const problem = unusable([envelope.id, slipId, clock]) ?? (recorded && unusableEvent(recorded));
    if (problem || slipId === '' || envelope.time === '') {
      throw new RecordRejected(record, problem ?? 'the event lacks time or subject');
    }
    return {
      offset: record.offset,
      sequence: envelope.sequence,
      source: envelope.source,
      eventId: envelope.id,
      type: envelope.type,
      slipId,
      clock,
      time: envelope.time,
      receivedTime: envelope.receivedTime === '' ? envelope.time : envelope.receivedTime,
      bytes: record.value,
      traceparent: envelope.traceparent,
      recorded,
    };
  } catch (error) {
    if (isSlipstreamError(error)) throw new RecordRejected(record, error.detail, { cause: error });
    throw error;
  }
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
    case 'DispatchIntended':
    case 'SlipAcknowledged':
    case 'SlipProgressed':
    case 'DispatchNotSent':
    case 'DispatchUnanswered':
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
