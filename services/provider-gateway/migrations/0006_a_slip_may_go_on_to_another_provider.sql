-- A slip's row tells of its latest attempt. An attempt with a provider that it is no longer with has a row of its own, so that
-- what that provider may still say finds its slip: `ended` is not_sent, unanswered (then it was proved that it was not executed),
-- answered or succeeded. `moved`: there are such rows. `choice` is why the provider of the next attempt was chosen.
create table attempt (
  slip_id text not null,
  attempt int not null,
  provider text not null,
  not_after timestamptz not null,
  ended text not null,
  first_not_found_at timestamptz,
  primary key (slip_id, attempt)
);
alter table dispatch add column choice jsonb;
alter table dispatch add column moved boolean not null default false;

-- What people decided about a provider. One that is not here is enabled.
create table provider_state (
  provider text primary key,
  disabled boolean not null,
  reason text not null,
  actor text not null,
  changed_at timestamptz not null
);

-- Proved not to be executed, and not given back yet: counted where somebody wants to disable its provider.
create index dispatch_proved on dispatch (provider)
  where status = 'unanswered' and closed_for_dispatch and not refunded and clock = 'wall';
