-- Another environment's database is not told by its numbers: they may fit. Null until the topic's id was known: brokers of before Kafka 2.8 have none.
alter table relay add column topic_id text;
