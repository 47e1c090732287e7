-- Rule 9: a dead letter stays here until it was handled after all (redriven) or people gave it up (dismissed); nothing
-- is deleted, so who did what stays visible. `record_time` is Kafka's timestamp, which counts on inbound topics.
-- `queued`: only a letter that stands alone, without a park key; a slip's letters are queued by their parked_key row.
alter table dead_letter
  add column record_time timestamptz,
  add column status text not null default 'parked' check (status in ('parked', 'queued', 'redriven', 'dismissed')),
  add column redrives int not null default 0,
  add column redrive_id uuid,
  add column resolved_at timestamptz;
create index dead_letter_waiting on dead_letter (topic, reason) where status in ('parked', 'queued');
create index dead_letter_queued on dead_letter (consumer_group, topic, partition) where status = 'queued';
create index dead_letter_by_redrive on dead_letter (redrive_id) where redrive_id is not null;

-- Set: the owner of the partition reads this key's letters again, in order, and lets the key go when none is left.
alter table parked_key add column redrive_id uuid;
create index parked_key_queued on parked_key (consumer_group, topic, partition) where redrive_id is not null;

-- Who let records be read again or gave them up, when and why. `upgrade`: a release that may know them took over.
create table redrive (
  id uuid primary key,
  action text not null check (action in ('redrive', 'dismiss', 'upgrade')),
  requested_by text not null,
  requested_at timestamptz not null default clock_timestamp(),
  reason text not null,
  letters int not null,
  slips int not null,
  per_second int not null check (per_second > 0)
);
