-- How many slips of each kind came in each hour, and what became of them: sums over slips as they are now, moved by what a
-- batch changes of them. '' is what is not known. A row per partition, so that no two partitions wait for each other (ADR 23).
create table slip_hour (
  clock text collate "C" not null,
  hour timestamptz not null,
  provider text collate "C" not null,
  route text collate "C" not null,
  kind text collate "C" not null,
  currency text collate "C" not null,
  cause text collate "C" not null,
  partition int not null,
  slips bigint not null,
  dispatched bigint not null,
  returned bigint not null,
  overdue bigint not null,
  not_returned bigint not null,
  refunded bigint not null,
  amount numeric not null,
  dispatched_ms numeric not null,
  returned_ms numeric not null,
  primary key (clock, hour, provider, route, kind, currency, cause, partition)
) with (fillfactor = 50);
-- Which projections hold all that the log tells; one that is not here is built when the service starts.
create table projection (
  name text collate "C" primary key,
  built_at timestamptz not null default clock_timestamp()
);
