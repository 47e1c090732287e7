-- Rule 8. A checkpoint says the size and the root of every tree at a moment, and is signed: `note` is a signed note (C2SP).
create table signing_key (
  id text collate "C" primary key,
  -- For whoever verifies notes: name, id and public key.
  verifier_key text not null
);

create table checkpoint (
  id uuid primary key,
  at timestamptz not null,
  note text not null,
  key_id text collate "C" not null references signing_key
);
create index checkpoint_by_time on checkpoint (at, id);

create trigger checkpoint_append_only before update or delete or truncate on checkpoint
  for each statement execute function refuse_change();
create trigger signing_key_append_only before update or delete or truncate on signing_key
  for each statement execute function refuse_change();
