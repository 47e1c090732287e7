-- Slips of which CallbackRefused was told, of those that the minute's refused callbacks name: once of a slip.
alter table callback_count add column told_slips text[] not null default '{}';
