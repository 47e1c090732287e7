-- Live slips that missed their deadlines: written with their verdict, and when something about them changes.
create table missed_slip (
  slip_id text primary key,
  partition int not null,
  -- Whose trouble it is as far as is known: a provider's name; empty: our own.
  side text not null,
  provider text,
  route text not null,
  kind text not null,
  currency text,
  amount numeric,
  -- When it was dispatched; of one that was not, and of our own troubles, when it was submitted.
  at timestamptz not null,
  deadline timestamptz not null,
  cause_class text,
  cause_code text,
  fate text not null check (fate in ('open', 'returned', 'refunded', 'refused', 'closed')),
  has_open_case boolean not null,
  incident text,
  missed_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp()
);
create index missed_slip_alone on missed_slip (missed_at) where incident is null;
create index missed_slip_changed on missed_slip (changed_at);
create index missed_slip_at on missed_slip (at);
create index missed_slip_of_incident on missed_slip (incident, at desc, slip_id desc) where incident is not null;

-- What was dispatched in each second, once the watch of the returns has folded it.
create table dispatch_count (
  slot bigint not null,
  provider text not null,
  route text not null,
  slips int not null,
  primary key (slot, provider, route)
);

create table incident (
  id text primary key,
  side text not null,
  -- Of the dispatches that are in it.
  since timestamptz not null,
  until timestamptz not null,
  opened_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  merged_into text,
  -- The ids of the warnings about it, a JSON list.
  warnings json not null default '[]',
  -- Since when deadlines could not be judged, and because of whom; of a blindness, whose slips are in incident_waiting.
  blind_since timestamptz,
  blind_by text
);
create index incident_newest on incident (opened_at desc, id desc);
create index incident_open on incident (side) where closed_at is null;
create index incident_until on incident (until);
