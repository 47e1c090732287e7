import type { Facts, Finding, LoggedEvent, TopicEvent } from './facts.ts';

/** Of a longer gap no more numbers than these are counted. */
const gapMax = 100_000n;

export interface Sequenced {
  /** The topic's events without honest resends; both branches of a fork are in it. */
  readonly fresh: readonly TopicEvent[];
  /** One finding for each event that is lost to somebody: each is counted once, however it shows. */
  readonly lost: readonly Finding[];
}

/**
 * Rule 4, by ids and digests: numbers have no gap, a number seen again carries the same bytes, and whatever was
 * committed to be published is on the topic and, byte for byte, in the ledger's log.
 */
export function sequence({ topic, outbox, log }: Pick<Facts, 'topic' | 'outbox' | 'log'>): Sequenced {
  const lost = new Map<string, Finding>();
  const lose = (about: string, why: string) => {
    if (!lost.has(about)) lost.set(about, { kind: 'lost_event', about, why });
  };
  const fresh = withoutResends(topic, lose);
  const published = new Map(topic.map((one) => [one.event.id, one]));
  const logged = new Map(log.map((one) => [one.id, one]));
  for (const { partition, seq, event } of outbox) {
    const about = nameOf(event.source, partition, seq);
    const found = published.get(event.id);
    if (!found) lose(about, `${event.id} was committed and is not on the topic`);
    else if (found.event.digest !== event.digest) lose(about, `${event.id} says something else on the topic`);
    else if (!logged.has(event.id)) lose(aboutRecord(found, lost), `${event.id} is not in the ledger's log`);
  }
  compareLog(topic, log, lose);
  return { fresh, lost: [...lost.values()] };
}

/** A record that shows a fork is counted under its own name; any other one under its number. */
function aboutRecord({ partition, event }: TopicEvent, lost: ReadonlyMap<string, Finding>): string {
  const forked = forkName(event.source, partition, event.sequence, event.id);
  return lost.has(forked) ? forked : nameOf(event.source, partition, event.sequence);
}

function withoutResends(
  topic: readonly TopicEvent[],
  lose: (about: string, why: string) => void,
): TopicEvent[] {
  const last = new Map<string, bigint>();
  const incarnations = new Map<string, bigint>();
  const seen = new Map<string, Map<string, string>>();
  const fresh: TopicEvent[] = [];
  for (const one of topic) {
    const { partition, offset, bytes, event } = one;
    const { source, sequence: seq, id } = event;
    const lane = `${source} ${partition}`;
    const before = last.get(lane) ?? 0n;
    const listed = before + gapMax < seq ? before + gapMax : seq;
    for (let gone = before + 1n; gone < listed; gone++) {
      lose(nameOf(source, partition, gone), `jumped over at offset ${offset}`);
    }
    if (seq > before) last.set(lane, seq);
    const newest = incarnations.get(lane) ?? 0n;
    if (event.incarnation > newest) incarnations.set(lane, event.incarnation);
    const name = nameOf(source, partition, seq);
    const copies = seen.get(name) ?? new Map<string, string>();
    seen.set(name, copies);
    if (copies.get(bytes) === id) continue;
    if (copies.size > 0 || event.incarnation < newest) {
      const why =
        copies.size > 0 ? 'carries a number that has other bytes' : 'is of an incarnation that is over';
      lose(forkName(source, partition, seq, id), `offset ${offset} ${why}`);
    }
    copies.set(bytes, id);
    fresh.push(one);
  }
  return fresh;
}

/** Wherever both have a record, it is the same. Rows past the end that was read are younger than the reading. */
function compareLog(
  topic: readonly TopicEvent[],
  log: readonly LoggedEvent[],
  lose: (about: string, why: string) => void,
): void {
  const records = new Map(topic.map((one) => [`${one.partition} ${one.offset}`, one]));
  for (const { partition, offset, bytes, id } of log) {
    const record = records.get(`${partition} ${offset}`);
    if (!record || record.bytes === bytes) continue;
    const { source, sequence: seq } = record.event;
    lose(nameOf(source, partition, seq), `the ledger has other bytes at ${partition}:${offset} (${id})`);
  }
}

function nameOf(source: string, partition: number, seq: bigint): string {
  return `${source} ${partition} ${seq}`;
}

function forkName(source: string, partition: number, seq: bigint, id: string): string {
  return `${nameOf(source, partition, seq)} ${id}`;
}
