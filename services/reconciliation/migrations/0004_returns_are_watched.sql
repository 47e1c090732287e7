-- What was dispatched and what came back, counted by the unit that read it: whoever watches the returns of all partitions
-- reads it in the order of its slots (of half a second), and takes it away when its state has it.
create table returns_seen (
  id bigint generated always as identity primary key,
  first_slot bigint not null,
  last_slot bigint not null,
  steps json not null
);
create index returns_seen_by_slot on returns_seen (last_slot);

-- The curves and what is under way, as the one that watches has it; renewed now and then, and with each warning.
create table returns_watch (
  one boolean primary key default true check (one),
  slot bigint not null,
  -- Another instance may have gone on.
  version bigint not null,
  state json not null
) with (fillfactor = 50);

-- The routes and providers of the slips in a snapshot; those of the release before have none.
alter table quiet_snapshot add column ways json not null default '[]';
