-- Whether anything is held was asked for the pace of ticks alone, which is a matter of what happens now. With the index gone
-- no index has a column that a settlement changes, so that the row stays in its page and no other index gets an entry for it.
drop index slip_held;
