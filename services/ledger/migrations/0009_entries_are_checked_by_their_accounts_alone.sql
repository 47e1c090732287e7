-- The check of new entries read the table of accounts whole, three times for each unit, as long as that looked cheaper than to
-- look up those that they name: it took a tenth of all that PostgreSQL did, and more the more accounts there were.
alter function check_entries() set enable_hashjoin = off;
alter function check_entries() set enable_mergejoin = off;
