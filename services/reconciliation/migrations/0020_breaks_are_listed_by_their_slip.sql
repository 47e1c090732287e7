-- Breaks are asked for by their slip whatever became of them, and of a provider or a type the newest first.
create index statement_break_of_slip on statement_break (slip_id, opened_at desc, id desc) where slip_id is not null;
create index statement_break_of_provider on statement_break (provider, opened_at desc, id desc);
create index statement_break_of_kind on statement_break (kind, opened_at desc, id desc);
