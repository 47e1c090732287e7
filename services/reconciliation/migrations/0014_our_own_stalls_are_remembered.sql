-- When a service of ours said nothing though it had meant to speak, for whoever starts again: the ticks that told it may be compacted away.
create table stall (
  service text not null,
  since timestamptz not null,
  until timestamptz not null,
  primary key (service, until)
);
