import { readEnvelope, topics } from '@slipstream/contracts';
import { createKafka, readTail } from '@slipstream/kafka';

/** Reads the whole of `slips.events.v1`: numbers that stand for two events, and numbers that are missing. */
export async function readNumbers(brokers: readonly string[]): Promise<{ reused: number; missing: number }> {
  const { name, partitions } = topics.events;
  const kafka = createKafka({ brokers, clientId: 'drill' });
  const everything = new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0]));
  const ids = new Map<string, string>();
  const last = new Map<string, number>();
  let reused = 0;
  await readTail(kafka, name, everything, (partition, _, value) => {
    if (value === null) return;
    const { id, source, sequence } = readEnvelope(value);
    const place = `${source} ${partition}`;
    const known = ids.get(`${place} ${sequence}`);
    if (known !== undefined && known !== id) reused += 1;
    ids.set(`${place} ${sequence}`, id);
    last.set(place, Math.max(last.get(place) ?? 0, sequence));
  });
  const given = [...last.values()].reduce((sum, count) => sum + count, 0);
  return { reused, missing: given - ids.size };
}
