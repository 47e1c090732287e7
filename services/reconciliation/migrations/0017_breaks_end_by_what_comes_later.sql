-- What a line that is of no slip of ours names: a slip that is told so later is the one. And what came twice may come back.
alter table statement_break
  add column names text[],
  -- A slip of one of its names was read; its line is held against it.
  add column is_named boolean not null default false,
  -- What was paid once more came back.
  add column given_back boolean not null default false;
update statement_break k
   set names = array(select json_array_elements_text(l.named)) || array_remove(array[l.provider_reference], null)
  from statement_line l
 where l.statement_id = k.statement_id and l.n = k.n and k.kind = 'missing_here' and k.status <> 'resolved';
create index statement_break_names on statement_break using gin (names) where kind = 'missing_here' and status <> 'resolved';
create index statement_break_named on statement_break (opened_at) where is_named;
create index statement_break_twice on statement_break (slip_id) where kind = 'duplicate' and not given_back;
