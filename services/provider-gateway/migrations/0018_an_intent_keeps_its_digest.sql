-- SHA-256 of what the latest attempt was to send, as its intent said it: what a NOT_FOUND of it speaks against. Null where an
-- older release made the attempt.
alter table dispatch add column digest text;
