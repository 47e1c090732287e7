-- Rule 9: an event that cannot be read yet, and those behind it, are logged at once and folded when they are read again.
-- `waits_from` is the offset of the first logged event that is not folded; null: all are.
alter table slip add column waits_from bigint;
