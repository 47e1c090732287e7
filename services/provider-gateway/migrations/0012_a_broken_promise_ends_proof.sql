-- Whose NOT_FOUND prove nothing: it broke its promise, until people restore it. One that is not here is believed.
create table proof_switch (
  provider text primary key,
  off boolean not null,
  reason text not null,
  actor text not null,
  changed_at timestamptz not null
);

-- When a provider is asked again about an attempt that it provably did not execute; null: not any more.
alter table denial add column recheck_at timestamptz;
create index denial_recheck on denial (provider, recheck_at) where recheck_at is not null;
