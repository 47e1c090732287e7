-- Handled callbacks leave by their age, a page at a time: the oldest of them are found by this, and nothing else is looked at.
create index callback_handled_by_time on callback (received_at, provider, webhook_id)
  where handled not in ('stored', 'orphan', 'unreadable');
