-- A line may name a slip and pay nothing of it: in another currency, or as a word alone.
alter table booked_slip add column named boolean not null default false;
update booked_slip b set named = true
 where paid <> 0 or came_back <> 0 or exists (select 1 from statement_break k where k.slip_id = b.slip_id and k.kind <> 'missing_there');
drop index booked_slip_unpaid;
create index booked_slip_unnamed on booked_slip (provider, slip_id) where outcome = 'succeeded' and not named;
