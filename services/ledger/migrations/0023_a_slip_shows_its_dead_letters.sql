-- A record that was set aside alone, which nothing waits behind, is found by the slip that its key names, as those with a
-- park key are. By its digest: strangers write keys of any length, and an index takes no value of more than 2,704 bytes.
create index dead_letter_alone on dead_letter (consumer_group, topic, sha256(key), kafka_offset) where park_key is null;
