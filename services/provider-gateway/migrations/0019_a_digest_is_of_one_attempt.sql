-- Of which attempt the digest is: a release that does not know of it, beside this one, leaves that of an earlier attempt when it makes a later.
alter table dispatch add column digest_attempt int;
