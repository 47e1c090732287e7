-- Of a provider's slips the one whose deadline is nearest goes first: in the order of their arrival, a queue that is longer than
-- the deadlines makes every slip in it late.
drop index dispatch_due;
create index dispatch_due on dispatch (provider, deadline) include (next_at) where status = 'held' and next_at is not null;
