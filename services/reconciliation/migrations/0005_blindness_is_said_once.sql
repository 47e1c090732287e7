-- What an instance has said of its blindness and not taken back: it is said once, whatever is started again meanwhile.
create table said_blind (
  instance text primary key,
  -- To blame.
  service text not null,
  why text not null,
  since timestamptz not null
);
