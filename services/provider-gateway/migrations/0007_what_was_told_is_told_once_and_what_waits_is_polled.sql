-- What was published of a provider's final and doubtful words. A provider repeats them as it likes; each is an event once.
alter table dispatch add column told text[] not null default '{}';
-- When the provider is asked about a slip before its deadline.
alter table dispatch add column poll_at timestamptz;
create index dispatch_poll on dispatch (provider, poll_at) where poll_at is not null;
