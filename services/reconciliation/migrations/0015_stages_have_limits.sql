-- The limits of stages that the slips of a snapshot have; those of the release before have none.
alter table quiet_snapshot add column stages json not null default '[]';
