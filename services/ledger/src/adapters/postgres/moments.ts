import { type Instant, SlipstreamError } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';

/** @throws SlipstreamError malformed_request for a time that has not come: what will be true then is not known */
export async function refuseFuture(tx: Pick<Tx, 'query'>, at: Instant): Promise<void> {
  const [now] = await tx.query<{ is_past: boolean }>(
    'select $1::timestamptz <= clock_timestamp() as is_past',
    [at],
  );
  if (now!.is_past) return;
  throw new SlipstreamError('malformed_request', 'The query has parameters that cannot be used.', {
    errors: [{ pointer: 'at', detail: 'must not lie in the future' }],
  });
}
