-- Rule 5: the offsets of a topic that was deleted and made anew are another topic's. Kafka names each by an id.
alter table consumer_position add column topic_id text;

-- A record may carry more headers than are decoded (`headers` has the first of them): here they lie whole, as in Kafka.
alter table dead_letter add column headers_raw bytea;
