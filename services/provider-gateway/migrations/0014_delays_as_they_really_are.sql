-- How long providers really take, beside what they declare: counts by powers of the square root of two, in milliseconds.
create table provider_delay (
  provider text not null,
  kind text not null,
  bucket int not null,
  n bigint not null,
  primary key (provider, kind, bucket)
);
