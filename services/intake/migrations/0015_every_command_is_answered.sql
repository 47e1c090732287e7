-- The id that its publisher gave to the command that a slip answers; null: the slip came over HTTP, or before this.
alter table slip add column command_id text;

-- Commands that were refused, so that one that comes again is not answered again. A refusal no longer keeps its reference: what
-- was refused before this does not either, and its command is judged anew if it ever comes again.
create table refused_command (
  caller text not null,
  command_id text not null,
  reference text not null,
  -- Under which it was refused.
  slip_id uuid not null,
  primary key (caller, command_id, reference)
);
delete from slip where status = 'rejected';
drop table clock_conflict;
