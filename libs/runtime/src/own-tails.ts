import { peekEnvelope, readEnvelope, type Source } from '@slipstream/contracts';
import { type KafkaClient, readTail, readTopicId } from '@slipstream/kafka';
import { type OwnRecord, type OwnTail, recordDigest } from '@slipstream/postgres';

/** Behind its cursor a partition has at most what one round sent; more only when the database is older than the log. */
const recordsMax = 2_000;

/** What a topic holds of one source from the given offsets on, by partition. */
export async function readOwnTails(
  kafka: KafkaClient,
  source: Source,
  topic: string,
  from: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, OwnTail>> {
  const records = new Map<number, OwnRecord[]>([...from.keys()].map((partition) => [partition, []]));
  const topicId = await readTopicId(kafka, topic);
  const bounds = await readTail(kafka, topic, from, (partition, record) => {
    // Most are others', and are seen to be without reading more of them.
    if (record.peekSource() && record.source !== source) return;
    const value = record.value();
    const own = value && ownRecord(source, record.offset, value);
    if (own) keep(records.get(partition)!, own);
  });
  return new Map(
    [...records].map(([partition, own]) => [
      partition,
      { records: own, logEnd: bounds.get(partition)!.end, topicId },
    ]),
  );
}

function ownRecord(source: Source, offset: number, value: Buffer): OwnRecord | null {
  try {
    if (peekEnvelope(value).source !== source) return null;
    const { sequence, incarnation, time } = readEnvelope(value);
    if (sequence < 1 || time === '') return null;
    return { sequence, incarnation, offset, time, digest: recordDigest(value) };
  } catch {
    // Bytes that are no event are nobody's: each consumer makes a dead letter of them.
    return null;
  }
}

/** Beyond the limit only the greatest number counts: where a new incarnation goes on. */
function keep(records: OwnRecord[], own: OwnRecord): void {
  if (records.length < recordsMax) records.push(own);
  else if (own.sequence >= records[recordsMax - 1]!.sequence) records[recordsMax - 1] = own;
}
