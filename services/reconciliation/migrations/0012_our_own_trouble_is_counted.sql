-- Slips that our own trouble kept from being sent, by the minute in which that was proved: refunded or withheld.
alter table repair_spent add column own_trouble int not null default 0;
