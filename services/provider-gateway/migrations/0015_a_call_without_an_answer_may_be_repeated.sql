-- A provider that takes the same call again for the same order may be called again about one that got no answer.
drop index dispatch_due;
create index dispatch_due on dispatch (provider, deadline) include (next_at)
  where status in ('held', 'unanswered') and next_at is not null;
