import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';
import { type Cluster, clusterFactory } from './cluster.ts';
import './kafkajs-version.ts';
import { type BatchHead, headOf, readBatches, recordsFrom } from './record-batch.ts';

/**
 * kafkajs decodes every record into objects, headers and all: 4.5 us each, most of what reading costs. Its consumers can
 * be given whole record batches instead: one message per batch, at the batch's LAST offset, its value the batch's bytes.
 * `record-walk.ts` reads the records. Batches of aborted transactions, control batches and those that compaction has emptied
 * come as control records, which kafkajs hands to nobody and moves past.
 */
export function withRawBatches(kafka: Kafka): Kafka {
  const { symbol, make } = clusterFactory(kafka);
  const makeRaw = (options: object): Cluster => {
    const cluster = make(options);
    const find = cluster.findBroker.bind(cluster);
    cluster.findBroker = async (of) => {
      const broker = (await find(of)) as unknown as LookingUp;
      giveRawBatches(broker);
      return broker as never;
    };
    return cluster;
  };
  return Object.create(kafka, { [symbol]: { value: makeRaw } }) as Kafka;
}

interface Request {
  readonly request: { readonly apiVersion: number };
  readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> };
}

type Lookup = (apiKey: number, definition: unknown) => (options: object) => Request;

/** A broker picks the version of each request; a connection made anew picks again. */
interface LookingUp {
  lookupRequest: Lookup & { readonly givesRawBatches?: true };
}

const load = createRequire(import.meta.url);
const fetchKey = (load('kafkajs/src/protocol/requests/apiKeys') as { Fetch: number }).Fetch;
/** The newest that kafkajs speaks and every broker from 2.3 on understands. */
const fetchVersion = 11;

function giveRawBatches(broker: LookingUp): void {
  const look = broker.lookupRequest;
  if (look.givesRawBatches) return;
  const lookup: Lookup = (apiKey, definition) => {
    const build = look.call(broker, apiKey, definition);
    if (apiKey !== fetchKey) return build;
    return (options) => {
      const built = build(options);
      if (built.request.apiVersion !== fetchVersion) throw new Error('the broker is older than Kafka 2.3');
      return { ...built, response: { ...built.response, decode: decodeRaw } };
    };
  };
  broker.lookupRequest = Object.assign(lookup, { givesRawBatches: true as const });
}

/** What kafkajs takes for a message. */
interface BatchMessage {
  readonly offset: string;
  readonly key: null;
  readonly value: Buffer;
  readonly headers: object;
  readonly timestamp: string;
  readonly isControlRecord: boolean;
  readonly batchContext: object;
}

/** A Fetch response of version 11 (Kafka protocol), as kafkajs' own decoder gives it, but for its messages. */
async function decodeRaw(bytes: Buffer): Promise<object> {
  const cursor = new Cursor(bytes);
  const clientSideThrottleTime = cursor.int32();
  const errorCode = cursor.int16();
  const sessionId = cursor.int32();
  const responses: object[] = [];
  for (let topics = cursor.int32(); topics > 0; topics--) {
    const topicName = cursor.text();
    const partitions: object[] = [];
    for (let count = cursor.int32(); count > 0; count--) partitions.push(await decodePartition(cursor));
    responses.push({ topicName, partitions });
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

async function decodePartition(cursor: Cursor): Promise<object> {
  const head = {
    partition: cursor.int32(),
    errorCode: cursor.int16(),
    highWatermark: String(cursor.int64()),
    lastStableOffset: String(cursor.int64()),
    lastStartOffset: String(cursor.int64()),
  };
  const aborted: AbortedTransaction[] = [];
  for (let count = cursor.int32(); count > 0; count--)
    aborted.push({ producerId: cursor.int64(), firstOffset: Number(cursor.int64()) });
  const preferredReadReplica = cursor.int32();
  const isAborted = abortedBatches(aborted);
  const messages: BatchMessage[] = [];
  for (const batch of readBatches(cursor.bytes())) {
    const head = headOf(batch);
    // Handed to nobody, and moved past: what kafkajs does with control records.
    const isHidden = isAborted(batch, head) || head.isControl || head.count === 0;
    messages.push(toMessage(head, isHidden ? noBytes : await recordsFrom(batch, head), isHidden));
  }
  return { ...head, abortedTransactions: [], preferredReadReplica, messages };
}

const noBytes = Buffer.alloc(0);

function toMessage({ lastOffset }: BatchHead, value: Buffer, isControlRecord: boolean): BatchMessage {
  const none = { key: null, headers: {}, timestamp: '0', batchContext: {} };
  return { ...none, offset: String(lastOffset), value, isControlRecord };
}

interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** Tells of batches in their order whether they belong to a transaction that was aborted. */
export function abortedBatches(
  transactions: readonly AbortedTransaction[],
): (batch: Buffer, head: BatchHead) => boolean {
  const ahead = transactions.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<bigint>();
  return (batch, head) => {
    while (ahead.length > 0 && ahead[0]!.firstOffset <= head.lastOffset) open.add(ahead.shift()!.producerId);
    if (head.isControl && isAbortMarker(batch, head)) open.delete(head.producerId);
    return head.isTransactional && !head.isControl && open.has(head.producerId);
  };
}

/** Of a control batch's only record, before its key: length, attributes, the deltas of time and offset, the key's length. */
const beforeMarkerKey = 5;
/** The key is a version and the marker's kind, 0: abort. */
const abortMarker = 0;

function isAbortMarker(batch: Buffer, { recordsAt, count }: BatchHead): boolean {
  return count > 0 && batch.readInt16BE(recordsAt + beforeMarkerKey + 2) === abortMarker;
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  int64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64BE(this.#at - 8);
  }

  text(): string {
    const length = this.int16();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** Empty where there are none. */
  bytes(): Buffer {
    const length = Math.max(this.int32(), 0);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
