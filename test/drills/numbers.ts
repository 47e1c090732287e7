import { readEnvelope, topics } from '@slipstream/contracts';
import { createKafka, readTail } from '@slipstream/kafka';

export interface Numbers {
  /** Numbers that stand for two events. */
  readonly reused: number;
  readonly missing: number;
  /** Events, each counted once. */
  readonly events: number;
  /** The most records that one event has: above one they are resends. */
  readonly copiesMax: number;
}

/** Reads the whole of `slips.events.v1`. */
export async function readNumbers(brokers: readonly string[]): Promise<Numbers> {
  const { name, partitions } = topics.events;
  const kafka = createKafka({ brokers, clientId: 'drill' });
  const everything = new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0]));
  const ids = new Map<string, string>();
  const last = new Map<string, number>();
  const copies = new Map<string, number>();
  let reused = 0;
  await readTail(kafka, name, everything, (partition, record) => {
    const value = record.value();
    if (value === null) return;
    const { id, source, sequence } = readEnvelope(value);
    const place = `${source} ${partition}`;
    const known = ids.get(`${place} ${sequence}`);
    if (known !== undefined && known !== id) reused += 1;
    ids.set(`${place} ${sequence}`, id);
    copies.set(`${place} ${sequence}`, (copies.get(`${place} ${sequence}`) ?? 0) + 1);
    last.set(place, Math.max(last.get(place) ?? 0, sequence));
  });
  const given = [...last.values()].reduce((sum, count) => sum + count, 0);
  const copiesMax = Math.max(0, ...copies.values());
  return { reused, missing: given - ids.size, events: ids.size, copiesMax };
}
