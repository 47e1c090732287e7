-- That nothing is heard of a service was said, and not taken back: by one instance, in the transaction that keeps it.
create table said_silent (
  service text primary key,
  instance text not null,
  since timestamptz not null
);
