/**
 * SQL condition: slip `o` is open and due in range `r` (columns partition, clock, through, holds_through, and
 * consumer_group and topic of our reading). A slip that waits behind a dead letter is undetermined: the event that
 * would end its stage may be the one set aside (rules 6 and 9).
 */
export const isDue = `
  o.verdict = 'open' and o.partition = r.partition and o.clock = r.clock and o.due_at <= r.through
  and not exists (select 1 from parked_key k where k.consumer_group = r.consumer_group and k.topic = r.topic
    and k.partition = r.partition and k.key = o.slip_id)`;

/** As {@link isDue}, but what was said about its hold by then is not all read. */
export const awaitsHold = `${isDue} and o.awaits_hold and o.due_at > r.holds_through`;

/** As {@link isDue}, and nothing that was said about its hold by then is unread. */
export const canBeJudged = `${isDue} and (not o.awaits_hold or o.due_at <= r.holds_through)`;
