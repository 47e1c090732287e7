-- Which slips the refused callbacks of a minute name, a few of them: one stranger knows one, our wrong secret refuses them all.
alter table callback_count add column slips text[] not null default '{}';
