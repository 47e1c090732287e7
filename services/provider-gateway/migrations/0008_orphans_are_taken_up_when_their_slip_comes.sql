-- A report that was called an orphan is taken up should its slip come all the same, so it is found by its reference too.
drop index parked_result_by_reference;
create index parked_result_by_reference on parked_result (caller, reference);
-- Callbacks that came before their slip, or about none.
create index callback_orphan on callback (slip_id, provider, webhook_id) where handled = 'orphan';
create index callback_unmatched on callback (received_at) where handled in ('orphan', 'unreadable');
