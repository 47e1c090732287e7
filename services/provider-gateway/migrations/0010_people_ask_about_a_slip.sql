-- What came of a question, for people: they ask by n = -2, anew each time.
alter table inquiry add column answer text;
alter table inquiry add column detail text;

-- Commands of people that carry an Idempotency-Key, for ever: the same request again gets the same answer.
create table keyed_command (
  caller text not null,
  key text not null,
  digest text not null,
  answer jsonb,
  primary key (caller, key)
);
