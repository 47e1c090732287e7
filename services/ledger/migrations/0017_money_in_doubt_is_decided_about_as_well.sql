-- A slip's money may wait for people more than once: held for a success that settles nothing by itself, later denied after it was settled.
-- `entry`: the one that put it where it lies; about each there is one decision.
alter table suspense_decision add column entry smallint;
alter table suspense_decision disable trigger suspense_decision_stays;
update suspense_decision d set entry = (
  select max(e.n) from entry e join account c on c.id = e.credit and c.kind = 'suspense' where e.slip_id = d.slip_id);
alter table suspense_decision enable trigger suspense_decision_stays;
alter table suspense_decision alter column entry set not null;
drop index suspense_decision_once;
create unique index suspense_decision_once on suspense_decision (slip_id, entry) where status <> 'declined';
