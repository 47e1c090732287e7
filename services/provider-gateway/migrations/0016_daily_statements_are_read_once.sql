-- A provider's statement of one day: due, being read under a lease (`tries` tells whose), or read. Each line of it is evidence about
-- its slip in that slip's own row; what has no slip, or cannot be read, is kept for people.
create table statement (
  provider text not null,
  day date not null,
  tries int not null default 0,
  next_at timestamptz not null default clock_timestamp(),
  lease_until timestamptz,
  digest text,
  handled int not null default 0,
  unmatched int not null default 0,
  problem text,
  read_at timestamptz,
  primary key (provider, day)
);

create table statement_line (
  provider text not null,
  day date not null,
  line int not null,
  slip_id text,
  received_at timestamptz not null,
  said text not null,
  problem text,
  primary key (provider, day, line)
);
