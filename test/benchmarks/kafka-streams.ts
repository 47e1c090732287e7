import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { partitionsDefault } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import type { Bench } from './core-workloads.ts';
import { type Happening, happenings, type Step, type StreamShape } from './slip-stream.ts';

/**
 * The peer: a program of Kafka Streams that does what an engineer would write to find slips without a return. It is no
 * part of this project; `--kafka-streams` names the folder where it was built. Its `peers.Bench catchup` reads one topic to
 * its end and compares the ids of its verdicts with the rule of `slip-stream.ts`; `live` measures its latency.
 */
export interface Peer {
  readonly folder: string;
}

/** What one run of the peer printed: `name=value` pairs. */
export type Printed = Readonly<Record<string, string>>;

const topic = 'bench.peer.slips';
/** As the peer is run elsewhere. */
const heap = ['-Xms512m', '-Xmx1g'];
/** Exactly once, RocksDB, no cache, a thread for each core. */
const guarantee = 'exactly_once_v2';
const catchUpOptions = [guarantee, 'rocksdb', 'nocache', '2'];
const recordsPerSend = 2_000;
/** What the peer's own events have. */
const valueBytes = 298;

/** @throws Error that says what is missing in the folder */
export function openPeer(folder: string): Peer {
  if (!existsSync(join(folder, 'target')) || !existsSync(join(folder, 'libs')))
    throw new Error(
      `${folder} has no target and libs: build the peer there first (mvn package, or its run.sh)`,
    );
  return { folder: resolve(folder) };
}

const nameOf: { readonly [step in Step]: string } = {
  SlipSubmitted: 'submitted',
  FundsHeld: 'held',
  DispatchIntended: 'intended',
  SlipAcknowledged: 'acknowledged',
  SlipReturned: 'returned',
  SlipSettled: 'settled',
};

/** Fills the peer's topic: the same events at the same times on the same partitions, as the JSON that it reads. */
export async function fillPeer(bench: Bench, shape: StreamShape, startMs: number): Promise<void> {
  const kafka = new Kafka({ brokers: [...bench.brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  // The records' times are those of the stream, which a broker's own retention takes for long past.
  const configEntries = [{ name: 'retention.ms', value: '-1' }];
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitionsDefault, replicationFactor: 1, configEntries }],
  });
  await admin.disconnect();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const send = (messages: readonly PeerRecord[]) =>
    producer.send({ topic, acks: -1, compression: CompressionTypes.None, messages: [...messages] });
  let endMs = startMs;
  let batch: PeerRecord[] = [];
  for (const happening of happenings(shape)) {
    batch.push(peerRecord(happening, startMs, shape.deadlineMs));
    endMs = startMs + happening.atMs;
    if (batch.length < recordsPerSend) continue;
    await send(batch);
    batch = [];
  }
  // The time of a stream moves on with records only, on each partition for itself.
  const tickMs = endMs + shape.deadlineMs + 60_000;
  const value = JSON.stringify({ type: 'tick', at: tickMs });
  for (let partition = 0; partition < partitionsDefault; partition++)
    batch.push({ partition, key: 'tick', value, timestamp: String(tickMs) });
  await send(batch);
  await producer.disconnect();
}

interface PeerRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly timestamp: string;
}

function peerRecord({ slip, step, atMs }: Happening, startMs: number, deadlineMs: number): PeerRecord {
  const at = startMs + atMs;
  const key = `slip-${String(slip).padStart(12, '0')}`;
  const due = step === 'SlipSubmitted' ? `,"deadline":${at + deadlineMs}` : '';
  const head = `{"type":"${nameOf[step]}","slipId":"${key}","at":${at}${due},"note":"`;
  return {
    ...{ partition: partitionOf(key, partitionsDefault), key, timestamp: String(at) },
    value: `${head.padEnd(valueBytes - 2, 'x')}"}`,
  };
}

export function catchUpPeer(peer: Peer, bench: Bench, slips: number): Promise<Printed> {
  return run(peer, bench, ['catchup', topic, String(slips), ...catchUpOptions]);
}

/** `perSecond` slips for so many seconds, on the wall clock: deadlines after 5 s, returns after 0.5 to 3 s. */
export function livePeer(peer: Peer, bench: Bench, perSecond: number, seconds: number): Promise<Printed> {
  return run(peer, bench, ['live', String(perSecond), String(seconds), guarantee]);
}

async function run({ folder }: Peer, bench: Bench, args: readonly string[]): Promise<Printed> {
  const classes = [join(folder, 'target/classes'), join(folder, 'target/*'), join(folder, 'libs/*')].join(
    ':',
  );
  const settings = [`-Dboot=${bench.brokers[0]}`, `-Dparts=${partitionsDefault}`];
  const java = spawn('java', [...heap, ...settings, '-cp', classes, 'peers.Bench', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of java.stdout) said += chunk;
  const printed = readPrinted(said);
  if (!printed.exact) throw new Error(`the peer did not get to its end: ${said.slice(-2_000)}`);
  return printed;
}

/** The pairs of the last line. */
export function readPrinted(said: string): Printed {
  const line = said.trim().split('\n').at(-1) ?? '';
  return Object.fromEntries([...line.matchAll(/(\S+?)[=:](\S+)/g)].map(([, name, value]) => [name!, value!]));
}
