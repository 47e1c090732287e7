-- How long the slips' events lay before this instance handled them, told with its sign of life: the one that speaks for the service
-- speaks for all of them. A process of a release before tells nothing.
alter table instance add column behind_ms int not null default 0;
