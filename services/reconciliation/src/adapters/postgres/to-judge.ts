/**
 * SQL condition: slip `o` does not wait behind a dead letter of our reading (columns consumer_group and topic of `r`).
 * One that does is undetermined: the event that would end its stage may be the one set aside (rules 6 and 9).
 */
export const isDetermined = `
  not exists (select 1 from parked_key k where k.consumer_group = r.consumer_group and k.topic = r.topic
    and k.partition = o.partition and k.key = o.slip_id)`;

/** As {@link isDetermined}, and the slip is open and due in range `r` (partition, clock, through, holds_through). */
export const isDue = `
  o.verdict = 'open' and o.partition = r.partition and o.clock = r.clock and o.due_at <= r.through
  and ${isDetermined}`;

/**
 * As {@link isDetermined}, and the slip's next step is due in `r`: a conclusion needs what was received by its time. Now
 * is asked once: compared with the clock row by row, all that is not due yet is read, too.
 */
export const isStepDue = `
  o.partition = r.partition and o.next_step_at <= (select clock_timestamp())
  and (o.next_step = 'inquire' or o.next_step_at <= r.through) and ${isDetermined}`;

/** As {@link isDetermined}, and the present stage of the slip may have to be told of at `r`.`through`. */
export const isStageToTell = `
  o.partition = r.partition and o.late_at <= r.through and o.deadline > r.through and o.verdict = 'open' and ${isDetermined}`;

/** As {@link isDue}, but what was said about its hold by then is not all read. */
export const awaitsHold = `${isDue} and o.awaits_hold and o.due_at > r.holds_through`;

/** As {@link isDue}, and nothing that was said about its hold by then is unread. */
export const canBeJudged = `${isDue} and (not o.awaits_hold or o.due_at <= r.holds_through)`;
