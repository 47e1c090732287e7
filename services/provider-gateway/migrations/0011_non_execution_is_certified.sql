-- What a provider said of an attempt that it does not know, byte for byte: the first NOT_FOUND that counts for rule 3, then the
-- second, which proves that the attempt was not executed.
create table denial (
  slip_id text not null,
  attempt int not null,
  provider text not null,
  kept jsonb not null,
  primary key (slip_id, attempt)
);

-- A slip's certificate of non-execution, signed when it was proved.
create table certificate (
  slip_id text primary key,
  issued_at timestamptz not null,
  envelope text not null
);
