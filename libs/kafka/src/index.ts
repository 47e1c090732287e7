export { brokerProblem } from './broker-problem.ts';
export { whileBrokersAreAway } from './brokers-away.ts';
export { createKafka, type KafkaClient, type KafkaOptions, type SaslOptions } from './client.ts';
export { BatchConsumer, type BatchConsumerParts, type ConsumerHealth } from './consumer.ts';
export { type ConsumerOptions, consumerDefaults } from './consumer-options.ts';
export { type DeadLetterRecord, deadLetterHeaders, deadLetterRecord, keyText } from './dead-letter.ts';
export { DecodedUnits } from './decoded-units.ts';
export { EventWalk, timestampMicros } from './event-walk.ts';
export { explain } from './explain.ts';
export { type GroupLag, readLag } from './lag.ts';
export { jsonLog, type Log, nameLogLines } from './log.ts';
export { type LogBounds, readLogBounds, seeingUncommitted } from './log-bounds.ts';
export { LogReader } from './log-reader.ts';
export { readTail } from './log-tail.ts';
export type { ConsumerMetrics } from './metrics.ts';
export { misplaced } from './misplaced.ts';
export { partitionOf } from './partition.ts';
export {
  type Advance,
  type Batch,
  type ConsumedRecord,
  type ConsumerStore,
  type DeadLetter,
  type Move,
  type PartitionPosition,
  type Prepared,
  RecordRejected,
  type Rejection,
  readEach,
  type Span,
  type StoreFailure,
  type Subscription,
  type UnitHandler,
  type UnitWork,
} from './ports.ts';
export { type OutRecord, SendFailed, SerialProducer, type SerialProducerOptions } from './producer.ts';
export { recordAgain, refusalOf } from './read-again.ts';
export { RecordStream, type RecordStreamOptions, type StartAt, type StreamRecord } from './record-stream.ts';
export { asReadRefused, ReadRefused } from './refusals.ts';
export { kafkaSecurity, kafkaSecurityOf, type SecuritySettings, securityVariables } from './security.ts';
export { digestOf, MovingPosition, type SourcePosition, succession } from './source-position.ts';
export { StreamBroken } from './stream-places.ts';
export type { SourceClock } from './tick-book.ts';
export { TickReader, type TickReaderOptions } from './tick-reader.ts';
export { readTopicId } from './topic-id.ts';
export { compareTopics, ensureTopics, lostTopics, type TopicsFound } from './topics.ts';
