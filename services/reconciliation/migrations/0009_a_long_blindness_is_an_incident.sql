-- Slips whose deadlines passed while they could not be judged for longer than blind_ms_max; they stay as the incident's list.
create table waiting_slip (
  incident text not null,
  slip_id text not null,
  deadline timestamptz not null,
  primary key (incident, slip_id)
);
create index waiting_slip_by_deadline on waiting_slip (incident, deadline desc, slip_id desc);

-- However many instances are blind, it is one.
create unique index incident_blind_open on incident ((true)) where closed_at is null and blind_since is not null;
