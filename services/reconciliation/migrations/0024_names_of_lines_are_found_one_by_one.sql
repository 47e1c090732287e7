-- Each name of a slip that is read is looked for by itself: what was not yet sorted into the index would be read for each of them.
alter index statement_break_names set (fastupdate = off);
select gin_clean_pending_list('statement_break_names');
