-- Lists sort by `listed_at` and `id`, which never change: `listed_at` is the time of the slip's first event. One that was
-- submitted later than that (a draft that was confirmed) says when in `confirmed_at`.
-- `first_offset`: where its first event lies, so that a list can stop at the slips that were known when it began; null: of a
-- release that did not say.
-- `case_status`, `overdue` and `not_returned` change in rare lives only, so that their indexes cost the usual ones nothing.
alter table slip
  add column first_offset bigint,
  add column confirmed_at timestamptz,
  add column caller text collate "C",
  add column route text collate "C",
  add column case_status text collate "C" check (case_status in ('open', 'closed'));
drop index slip_not_returned;
create index slip_not_returned on slip (clock, listed_at, id) where not_returned;
create index slip_overdue on slip (clock, listed_at, id) where overdue;
create index slip_by_case on slip (clock, case_status, listed_at, id) where case_status is not null;
create index slip_confirmed on slip (clock, listed_at, id) where confirmed_at is not null;
-- Of slips that have a case already: the type of an event stands in its bytes as it is written.
update slip s set case_status = c.status from (
  select distinct on (slip_id) slip_id,
         case when position('slipstream.slip.case_opened.v1'::bytea in bytes) > 0 then 'open' else 'closed' end as status
    from event_log
    where position('slipstream.slip.case_opened.v1'::bytea in bytes) > 0
       or position('slipstream.slip.case_closed.v1'::bytea in bytes) > 0
    order by slip_id, version desc
) as c where c.slip_id = s.id;
