-- A slip's state is what its events in the log add up to: no longer written beside them at each step. `snapshot` is a
-- state of a slip whose events would be many to fold, or not all of them were folded in their order (rule 9); it stands for
-- the events up to `snapshot_version`, and those after it are read from the log. Null: for those up to the row's `version`
-- when a release wrote it that kept every state here. Nothing is written anew.
-- Renamed, so that such a release cannot go on beside this one: it would change states and not say which events they know.
alter table slip rename column state to snapshot;
alter table slip alter column snapshot drop not null;
alter table slip add column snapshot_version bigint;
