export type { FailingPartition } from './apart.ts';
export {
  advanceClocks,
  type ClockMark,
  closedClocks,
  endClocks,
  type RunningClock,
  runningClocks,
} from './clock-marks.ts';
export * as columnTypes from './column-types.ts';
export { bool, bytea, int4, int8, jsonb, text, timestamptz, uuid } from './column-types.ts';
export { type Columns, columns, type RowOf, type Rows, rowsOf, type Table, table } from './columns.ts';
export { judgeRoom, readRoom } from './connection-room.ts';
export { FencedError, PgConsumerStore } from './consumer-store.ts';
export { readCursorKey } from './cursor-key.ts';
export { type DataSourceOptions, openDataSource, poolMaxDefault } from './data-source.ts';
export {
  DeadLetters,
  type LetterContent,
  type LetterFilter,
  type LetterPage,
  type LetterRow,
  type LetterStatus,
  type PageStart,
  type Preview,
  type Redrive,
  redrivesMax,
} from './dead-letters.ts';
export { GroupCommit } from './group-commit.ts';
export { knownTopics } from './known-topics.ts';
export type { LaneOptions } from './lane.ts';
export { coreMigrations, type MigrationFolder, migrate } from './migrations.ts';
export type { RelayRecord } from './outbox.ts';
export {
  judgeOwnLog,
  type OlderDatabase,
  type OwnLogVerdict,
  type OwnRecord,
  type OwnTail,
  type SequencerState,
} from './own-log.ts';
export { OwnLogStore, recordDigest } from './own-log-store.ts';
export { poolUse } from './pool-use.ts';
export { prepareTopics } from './prepare.ts';
export { type OwnedPlace, type ParkedRecord, type RedriveItem, RedriveQueue } from './redrive-queue.ts';
export { type LaneState, Relay, type RelayOptions } from './relay.ts';
export type { RelayProducer, SendFailure } from './sending.ts';
export type { WhenSent } from './sent-waits.ts';
export { type StoppedPartition, StoppedPartitions, type StoppedPlace } from './stopped-partitions.ts';
export {
  classifyDatabaseError,
  type DatabaseFailure,
  isLockTimeout,
  isTransient,
  isUniqueViolation,
} from './transient.ts';
export { type OutboundRecord, type Tx, UnitOfWork } from './unit-of-work.ts';
export { readUnsent, type Unsent } from './unsent.ts';
export { type ClockBound, type Watermark, WatermarkClock, type WatermarkReading } from './watermark-clock.ts';
