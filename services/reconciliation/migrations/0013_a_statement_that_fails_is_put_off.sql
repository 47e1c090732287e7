-- A page that cannot be matched is tried again later, and keeps no other provider's statements waiting. `problem`: why, for people.
alter table statement
  add column tries int not null default 0,
  add column due_at timestamptz not null default '-infinity',
  add column problem text;

-- What several statements tell of a slip adds up to more than one amount can be.
alter table booked_slip alter column paid type numeric, alter column came_back type numeric;

-- What is over is forgotten after a time, from the oldest on.
create index incident_closed on incident (closed_at) where closed_at is not null;
