import type { Instant } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';

/** A provider repeats a callback for days, and for as long as this it is known by its webhook id. */
const keptFor = "interval '90 days'";
/** Callbacks that one statement looks at: few enough to be found one by one by their keys, however large the table is. */
const pageMax = 1_000;
/** Where a page was full, the next follows soon. */
const moreMs = 1_000;
const idleMs = 3_600_000;

/** The last callback that was looked at. */
export interface CallbackPlace {
  readonly receivedAt: Instant | '-infinity';
  readonly provider: string;
  readonly webhookId: string;
}

const beginning: CallbackPlace = { receivedAt: '-infinity', provider: '', webhookId: '' };

/** Word for word as the index says it. What people look at, or what may still be read or find its slip, stays. */
const handled = "handled not in ('stored', 'orphan', 'unreadable')";

// The limit stands in the text and the time is the transaction's: otherwise the planner would read the table whole, or the index to its end.
// What somebody sends again in this moment is left to the next time.
const forgetSql = (limit: number) => `
with swept as (
  select received_at, provider, webhook_id, slip_id from callback
  where ${handled} and received_at < now() - ${keptFor}
    and (received_at, provider, webhook_id) > ($1::timestamptz, $2::text, $3::text)
  order by received_at, provider, webhook_id limit ${limit}
), over as (
  select c.provider, c.webhook_id from callback c
  where ${handled} and (c.provider, c.webhook_id) in (
    select s.provider, s.webhook_id from swept s join dispatch d on d.slip_id = s.slip_id
    where d.outcome is not null or d.refunded)
  for update skip locked
), gone as (
  delete from callback c using over o where c.provider = o.provider and c.webhook_id = o.webhook_id
)
select received_at as "receivedAt", provider, webhook_id as "webhookId" from swept
order by received_at, provider, webhook_id offset ${limit - 1}`;

/**
 * Drops handled callbacks that came long ago, about slips that have ended, of one page behind a place. All that is about an open slip stays
 * until it ends, however old.
 * @returns where the next page begins; null: there is none
 */
export async function forgetCallbacks(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  after: CallbackPlace = beginning,
  limit: number = pageMax,
): Promise<CallbackPlace | null> {
  const { receivedAt, provider, webhookId } = after;
  const [last] = await unitOfWork.query<CallbackPlace>(forgetSql(limit), [receivedAt, provider, webhookId]);
  return last ?? null;
}

/** A page each round; behind the last one it rests, and begins anew. */
export function forgetsCallbacks(unitOfWork: Pick<UnitOfWork, 'query'>): () => Promise<number> {
  let place: CallbackPlace | null = null;
  return async () => {
    place = await forgetCallbacks(unitOfWork, place ?? beginning);
    return place === null ? idleMs : moreMs;
  };
}
