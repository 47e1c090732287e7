-- Whoever lists reviews asks for those of one status, and few have most of them.
create index review_by_status on review (status, requested_at, slip_id);
drop index review_by_age, review_open_by_age;
