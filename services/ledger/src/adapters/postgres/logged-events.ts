import { readEnvelope } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { LoggedEvent } from '../../application/queries.ts';

export interface EventRow {
  readonly version: string;
  readonly bytes: Buffer;
}

/** What is logged has an envelope: a record without one is no event of a slip. */
export function toLogged({ version, bytes }: EventRow, slipId: string): LoggedEvent {
  const { id, type, source, sequence, time, receivedTime } = readEnvelope(bytes);
  return {
    ...{ id, type, slipId, source, sequence, bytes },
    version: Number(version),
    time: time as Instant,
    receivedTime: (receivedTime === '' ? time : receivedTime) as Instant,
  };
}
