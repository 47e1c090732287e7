-- What our own events tell of lines of statements that this database lacked, or had not matched (ADR 102). Such a line is told nothing of again.
create table told_line (
  statement_id uuid not null,
  -- The line's number in the file; null: an older release did not tell it.
  n int,
  -- Where it stands in the file.
  line int not null,
  -- The slip that it was matched to, or broken about; null: neither.
  slip_id text,
  paid bigint not null default 0,
  came_back bigint not null default 0,
  -- Its slip shows it.
  is_counted boolean not null default false,
  unique nulls not distinct (statement_id, n, line, slip_id)
);
create index told_line_to_count on told_line (slip_id) where not is_counted and slip_id is not null;

-- `has_told`: its lines do not show yet what was told of them. A statement that is due at infinity has no lines here: its file is to be given again.
alter table statement add column has_told boolean not null default false;
create index statement_to_settle on statement (id) where has_told and due_at < 'infinity';
alter table statement_line add column is_told boolean not null default false;
-- A break may be read back before the statement is.
alter table statement_break drop constraint statement_break_statement_id_fkey;
