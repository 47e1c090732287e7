import { batchBytesMaxOf } from '@slipstream/contracts';

/** A record to be sent. `topic` and `partition` are explicit: nothing is partitioned behind the caller's back. */
export interface OutRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one request carries. */
export type Round = readonly { readonly topic: string; readonly messages: GroupedMessages }[];

/** One partition's part of a request is one batch: the broker refuses what is above the topic's limit. */
const partitionBytesMax = 900 * 1024;
const shareOfLimit = 0.875;
/** Frame and key of one record, generously. */
const recordOverheadBytes = 256;
const headerOverheadBytes = 10;

/**
 * The records of one topic, grouped by partition. kafkajs takes a `messages` array and groups it by `reduce`, copying
 * a partition's whole list for each record (quadratic); this answers its two calls with the finished groups.
 */
export class GroupedMessages {
  readonly byPartition: Record<number, OutRecord[]> = {};

  /** kafkajs looks for a message without a value; the type has ruled it out. */
  find(): undefined {
    return undefined;
  }

  reduce(): Record<number, OutRecord[]> {
    return this.byPartition;
  }
}

interface Group {
  readonly records: OutRecord[];
  readonly round: number;
  bytes: number;
}

/** Groups records by topic and partition; what a partition cannot take in one request waits for the next round. */
export function rounds(records: readonly OutRecord[]): Round[] {
  const result: Map<string, GroupedMessages>[] = [];
  const topics = new Map<string, Group[]>();
  let topic = '';
  let groups: Group[] = [];
  let limit = 0;
  for (const record of records) {
    if (record.topic !== topic || groups.length === 0) {
      topic = record.topic;
      groups = topics.get(topic) ?? [];
      topics.set(topic, groups);
      limit = Math.min(partitionBytesMax, batchBytesMaxOf(topic) * shareOfLimit);
    }
    const bytes = (record.value?.length ?? 0) + headerBytes(record.headers) + recordOverheadBytes;
    let group = groups[record.partition];
    if (!group || group.bytes + bytes > limit) {
      group = openGroup(result, record, group ? group.round + 1 : 0);
      groups[record.partition] = group;
    }
    group.records.push(record);
    group.bytes += bytes;
  }
  return result.map((round) => [...round].map(([name, messages]) => ({ topic: name, messages })));
}

function headerBytes(headers: OutRecord['headers']): number {
  let bytes = 0;
  for (const name in headers) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!) + headerOverheadBytes;
  }
  return bytes;
}

function openGroup(result: Map<string, GroupedMessages>[], record: OutRecord, round: number): Group {
  result[round] ??= new Map();
  let messages = result[round].get(record.topic);
  if (!messages) {
    messages = new GroupedMessages();
    result[round].set(record.topic, messages);
  }
  const group = { records: [], round, bytes: 0 };
  messages.byPartition[record.partition] = group.records;
  return group;
}
