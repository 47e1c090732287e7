-- Whom else a provider names so; null: nobody. Two transactions that write one name at once would not see each other: the second
-- waits here until the first has ended, and looks with eyes of its own, for a statement of a function sees what was committed
-- before it and not before the statement that calls it.
create function named_so(of_provider text, name text, slip text) returns text language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(of_provider || E'\n' || name, 0));
  return (select min(d.slip_id) from dispatch d
    where d.provider = of_provider and d.provider_reference = name and d.slip_id <> slip);
end
$$;
