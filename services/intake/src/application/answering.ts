import type { SlipEvent } from '@slipstream/slip';
import type { EarlierUse, RequestKey } from './ports.ts';

/** The event with the request that it answers: whoever folds it back knows the key again. Others answer commands on a slip that is known. */
export function answering<Event extends SlipEvent>(
  event: Event,
  { operation, key, digest }: Omit<RequestKey, 'caller'> & Pick<EarlierUse, 'digest'>,
): Event {
  if (event.type !== 'SlipSubmitted' && event.type !== 'SlipDrafted') return event;
  const request = { operation, key, digest: Buffer.from(digest).toString('hex') };
  return { ...event, data: { ...event.data, request } };
}
