-- The newest digests of a source at fixed places (digest-ring.ts): of a row that is updated for every unit, only what
-- changed is logged. A release before this one writes `digests`, in the order of their numbers, and leaves `ring` as it
-- is; this one empties `digests`. So a row whose `digests` are not empty was written by the other one.
alter table consumer_sequence add column ring bytea;
