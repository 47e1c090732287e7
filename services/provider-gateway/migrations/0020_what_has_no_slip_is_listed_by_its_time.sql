-- A page of what has no slip yet reads as much of it as it shows, by the time when it came.
create index callback_unmatched_by_time on callback (received_at, provider, webhook_id) where handled in ('orphan', 'unreadable');
drop index callback_unmatched;
create index parked_result_by_time on parked_result (received_at, caller, result_id);
create index statement_line_by_time on statement_line (received_at, provider, day, line);
