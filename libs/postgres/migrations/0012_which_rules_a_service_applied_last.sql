-- The digest of the rules that this service's instances judge by, one row: whoever changes it says so in an event.
create table applied_config (
  one boolean primary key default true check (one),
  digest text not null,
  previous text,
  applied_at timestamptz not null
);
