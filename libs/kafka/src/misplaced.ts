import { partitionsOf } from '@slipstream/contracts';
import { keyText } from './dead-letter.ts';
import { partitionOfBytes } from './partition.ts';

/** Where a record lies, and under which name. */
interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
}

/**
 * Why an event does not lie where its slip's events do: their order, and what waits behind a dead letter, hold on one partition
 * and by its key alone. Null: it does.
 */
export function misplaced({ topic, partition, key }: Place, subject: string): string | null {
  if (subject === '') return 'the event names no slip';
  if (key === null || !key.equals(Buffer.from(subject)))
    return `the key ${keyText(key)?.slice(0, 100) ?? 'null'} is not the event’s slip ${subject.slice(0, 100)}`;
  const home = homeOf(topic, key);
  if (home === null || home === partition) return null;
  return `the events of slip ${subject.slice(0, 100)} lie on partition ${home}, not on ${partition}`;
}

/** Null: the topic is not ours, so nobody knows how many partitions it has. */
function homeOf(topic: string, key: Buffer): number | null {
  const partitions = partitionsOf(topic);
  return partitions === null ? null : partitionOfBytes(key, 0, key.length, partitions);
}
