import { Partitioners, type PartitionMetadata } from 'kafkajs';

const partitioner = Partitioners.DefaultPartitioner();
const metadata = new Map<number, PartitionMetadata[]>();

/** The partition Kafka's own default partitioner (murmur2, as in the Java client) gives `key`. */
export function partitionOf(key: string, partitions: number): number {
  let partitionMetadata = metadata.get(partitions);
  if (!partitionMetadata) {
    partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId })) as never;
    metadata.set(partitions, partitionMetadata!);
  }
  return partitioner({ topic: '', partitionMetadata: partitionMetadata!, message: { key, value: null } });
}
