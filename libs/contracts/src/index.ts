export {
  checkpointHeaders,
  checkpointKey,
  decodeCheckpoint,
  encodeCheckpoint,
  type PublishedCheckpoint,
} from './checkpoint.ts';
export {
  cloudEventContentType,
  decodeSlipEvent,
  type EventHead,
  encodeCloudEvent,
  encodeSlipEvent,
  eventBytesMax,
  slipEventOf,
} from './codec.ts';
export {
  type Envelope,
  type Peek,
  peekEnvelope,
  readEnvelope,
} from './envelope.ts';
export {
  cloudEventType,
  type EventTypes,
  eventTypes,
  eventTypesOf,
  isOwnSource,
  mayPublish,
  ownedTypes,
  schemas,
  slipEventType,
  sourceOf,
  typeProblem,
} from './event-types.ts';
export {
  type AdvanceClock,
  decodeInbound,
  encodeInbound,
  type Inbound,
  type InboundCommand,
  type InboundRecord,
  inboundOf,
  inboundType,
  publisherOf,
  type ReportResult,
  readInbound,
  type SubmitSlip,
} from './inbound.ts';
export {
  decodeOpsEvent,
  encodeOpsEvent,
  opsEventOf,
  type RecordedOpsEvent,
} from './ops-codec.ts';
export { opsCloudEventType } from './ops-event-types.ts';
export { PlainShape, plainShapeOf } from './plain-data.ts';
export { type Owner, type Source, sources } from './sources.ts';
export { type Stamp, stampBytesMax, stampEnvelope } from './stamp.ts';
export {
  decodeTick,
  encodeTick,
  type NewTick,
  type PartitionMark,
  type RouteWait,
  type Tick,
  tickKey,
} from './tick.ts';
export {
  allTopics,
  batchBytesMaxOf,
  deadLetterTopic,
  partitionsDefault,
  partitionsOf,
  type Topic,
  topics,
} from './topics.ts';
export { verdictId } from './verdict-id.ts';
