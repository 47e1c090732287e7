-- How long the other instances must take this one for alive, told by itself once a second: what used to be written into
-- every relay row it owns. Null: a process of a release before, whose rows tell each for itself (relay.lease_until).
-- '-infinity': found dead by another instance, which thereby fences it: it must take what it owned anew.
alter table instance add column lease_until timestamptz;
