-- A clock that was closed and said so for the last time: its rows in clock_mark are gone, and its name is never used again.
create table ended_clock (
  topic text not null,
  clock text not null,
  ended_at timestamptz not null default clock_timestamp(),
  primary key (topic, clock)
);
