import { readEnvelope } from '@slipstream/contracts';
import { type Instant, isSlipstreamError, wallClock } from '@slipstream/kernel';
import type { LoggedRecord } from './records.ts';

type Raw = Pick<LoggedRecord, 'partition' | 'offset' | 'key' | 'value' | 'headers'>;

/** The record as it is looked at; bytes that are no event are a record all the same. */
export function loggedRecord(raw: Raw, appendedAt: Instant): LoggedRecord {
  try {
    const { type, subject, source, clock, time } = readEnvelope(raw.value);
    const head = { type, source, slipId: subject, clock: clock === '' ? wallClock : clock };
    return { ...raw, key: raw.key ?? subject, time: time === '' ? appendedAt : time, head };
  } catch (error) {
    if (!isSlipstreamError(error)) throw error;
    return { ...raw, time: appendedAt, head: null };
  }
}
