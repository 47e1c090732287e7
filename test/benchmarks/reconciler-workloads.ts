import { setTimeout as sleep } from 'node:timers/promises';
import { decodeSlipEvent, sources, topics } from '@slipstream/contracts';
import { ownedDatabase } from '@slipstream/environment';
import { createKafka, ensureTopics, RecordStream, readTail, SerialProducer } from '@slipstream/kafka';
import { instantToMs } from '@slipstream/kernel';
import { type Stack, slipsAlone, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import type { Bench } from './core-workloads.ts';
import { cpuSecondsOf, peakRssMiB } from './measure.ts';
import { OutsideWorld, slipOfId } from './outside-world.ts';
import { cpuSecondsOfFamily, serverPids } from './server-cpu.ts';
import { type Happening, happenings, missingBy, type StreamShape } from './slip-stream.ts';

const waitMs = 900_000;
const service = 'reconciliation';
const recordsPerSend = 5_000;
/** As the services tick where deadlines are seconds. */
const tickMs = 50;
/** Ticks of one source over the stream: the reconciler keeps no more of those that lie ahead of its reading. */
const ticksPerStream = 30;
const borderMs = 1_000;
const overdueType = 'slip.overdue';

/** A topic filled with a whole stream. */
export interface Filled {
  readonly shape: StreamShape;
  readonly startMs: number;
  readonly records: number;
  /** Records up to the point from which the stream is steady. */
  readonly steadyRecords: number;
  readonly outside: OutsideWorld;
  /** By partition. */
  readonly ends: readonly number[];
  /** Slips whose verdict the ticks ask for, and those due so near to the last tick that the clocks' spread decides. */
  readonly missing: ReadonlySet<number>;
  readonly border: ReadonlySet<number>;
  close(): Promise<void>;
}

async function connect(bench: Bench, deadlineMs: number) {
  const kafka = createKafka({ brokers: bench.brokers, clientId: 'bench' });
  await ensureTopics(kafka);
  const producer = new SerialProducer(kafka);
  await producer.start();
  return { kafka, producer, outside: new OutsideWorld(producer, deadlineMs) };
}

/** Fills `slips.events.v1` and the watermarks of a fresh broker. `steadySlip`: the first of the steady part. */
export async function fillStream(
  bench: Bench,
  shape: StreamShape,
  { startMs, steadySlip }: { readonly startMs: number; readonly steadySlip: number },
): Promise<Filled> {
  const { producer, outside } = await connect(bench, shape.deadlineMs);
  const everyMs = Math.ceil((shape.slips * 1_000) / shape.perSecond / ticksPerStream);
  let batch: Happening[] = [];
  let records = 0;
  let steadyRecords = 0;
  let tickedMs = 0;
  let lastMs = 0;
  // The broker writes one batch while the next is made.
  let telling = Promise.resolve();
  const tell = async () => {
    const told = outside.tell(batch, startMs);
    batch = [];
    await telling;
    telling = told;
  };
  for (const happening of happenings(shape)) {
    const { slip, step, atMs } = happening;
    if (step === 'SlipSubmitted' && slip === steadySlip) steadyRecords = records;
    if (atMs - tickedMs >= everyMs && slip >= steadySlip) {
      await tell();
      await telling;
      // What is told of this very moment is not all told yet.
      await outside.tick(startMs + atMs - 1);
      tickedMs = atMs;
    }
    batch.push(happening);
    records += 1;
    lastMs = atMs;
    if (batch.length === recordsPerSend) await tell();
  }
  await tell();
  await telling;
  const throughMs = shape.drains ? lastMs + shape.deadlineMs + 60_000 : lastMs;
  await outside.tick(startMs + throughMs);
  return {
    ...{ shape, startMs, records, steadyRecords, outside },
    ends: [...outside.ends],
    missing: missingBy(shape, throughMs - borderMs),
    border: missingBy(shape, throughMs),
    close: () => producer.stop(),
  };
}

/** CPU seconds so far. */
export interface Cpu {
  readonly service: number;
  readonly postgres: number;
}

/** A moment of a run. */
interface Sample {
  readonly atMs: number;
  readonly records: number;
  readonly cpu: Cpu;
}

/** The first units that were committed. */
interface Begun {
  readonly atMs: number;
  readonly records: number;
}

/** The real service on a bench's servers, as the stack starts it. */
export class Reconciler {
  readonly #stack: Stack;
  readonly #client: pg.Client;
  readonly #postmaster: number | null;
  readonly #first: Promise<Begun>;

  private constructor(stack: Stack, client: pg.Client, postmaster: number | null, first: Promise<Begun>) {
    this.#stack = stack;
    this.#client = client;
    this.#postmaster = postmaster;
    this.#first = first;
  }

  static async start(bench: Bench, dataDir: string): Promise<Reconciler> {
    await ownedDatabase(bench.databaseUrl, service);
    const url = new URL(bench.databaseUrl);
    url.pathname = `/${service}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    const { postgres } = await serverPids(client, dataDir);
    const first = waitFor(
      async () => {
        const records = sum(await positions(client));
        return records > 0 ? { atMs: performance.now(), records } : null;
      },
      { timeoutMs: waitMs, what: 'the reconciler to begin', intervalMs: 10 },
    );
    first.catch(() => {});
    const nobody = { intake: 0, 'provider-gateway': 0, ledger: 0, reconciliation: 0 };
    const stack = await startStack({
      dataDir,
      profile: 'stack',
      rules: slipsAlone,
      instances: { ...nobody, [service]: 1 },
    });
    return new Reconciler(stack, client, postgres, first);
  }

  get pid(): number | undefined {
    return this.#stack.services.pid(service);
  }

  get isReady(): boolean {
    return this.#stack.services.isReady(service);
  }

  get peakRssMiB(): number {
    return peakRssMiB(this.pid!);
  }

  cpu(): Cpu {
    return { service: cpuSecondsOf(this.pid!), postgres: cpuSecondsOfFamily(this.#postmaster) };
  }

  /** As far as one who looks every 10 ms can tell. */
  first(): Promise<Begun> {
    return this.#first;
  }

  /** Waits until so many records were read, durably. */
  async hasRead(records: number): Promise<Sample> {
    const read = await waitFor(
      async () => {
        const now = sum(await positions(this.#client));
        return now >= records ? now : 0;
      },
      { timeoutMs: waitMs, what: `the reconciler to read ${records} records`, intervalMs: 20 },
    );
    return { atMs: performance.now(), records: read, cpu: this.cpu() };
  }

  /** Waits until everything up to there was read, durably. */
  async hasReadTo(ends: readonly number[]): Promise<Sample> {
    await waitFor(
      async () => {
        const now = await positions(this.#client);
        return ends.every((end, partition) => (now.get(partition) ?? 0) >= end);
      },
      { timeoutMs: waitMs, what: 'the reconciler to read to the end', intervalMs: 20 },
    );
    return { atMs: performance.now(), records: sum(ends.entries()), cpu: this.cpu() };
  }

  /** Ends the process; the stack starts it anew. Resolves when it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
    const { pid } = this;
    this.#stack.services.kill(service, signal);
    await waitFor(() => this.pid !== pid, { what: 'the reconciler to end', intervalMs: 2 });
    return pid!;
  }

  async stop(): Promise<void> {
    await this.#client.end();
    await this.#stack.stop();
  }
}

async function positions(client: pg.Client): Promise<Map<number, number>> {
  const { rows } = await client.query(
    'select partition, greatest(next_offset, 0)::int as next from consumer_position where topic = $1',
    [topics.events.name],
  );
  return new Map(rows.map(({ partition, next }) => [partition, next]));
}

function sum(byPartition: Iterable<readonly [number, number]>): number {
  let all = 0;
  for (const [, one] of byPartition) all += one;
  return all;
}

/** Which verdicts were right. */
export interface Verdicts {
  readonly expected: number;
  readonly found: number;
  readonly missed: number;
  readonly wrong: number;
}

/** Waits until as many slips have verdicts on Kafka as should have, and compares the exact sets. */
export async function readVerdicts(bench: Bench, { ends, missing, border }: Filled): Promise<Verdicts> {
  const kafka = createKafka({ brokers: bench.brokers, clientId: 'bench' });
  const seen: number[] = [];
  const next = new Map(ends.entries());
  const read = async () => {
    await readTail(kafka, topics.events.name, next, (partition, record) => {
      next.set(partition, record.offset + 1);
      const verdict = overdueIn(record.value());
      if (verdict !== null) seen.push(verdict.slip);
    });
    return seen.length >= missing.size;
  };
  await waitFor(read, { timeoutMs: 120_000, what: `${missing.size} verdicts`, intervalMs: 100 }).catch(
    () => {},
  );
  // One too many would come now.
  await sleep(1_000);
  await read();
  return compare(seen, missing, border);
}

/** `seen`: one slip more than once is wrong, too. */
function compare(seen: readonly number[], missing: ReadonlySet<number>, border = missing): Verdicts {
  const found = new Set(seen);
  return {
    ...{ expected: missing.size, found: found.size },
    missed: [...missing].filter((slip) => !found.has(slip)).length,
    wrong: seen.length - found.size + [...found].filter((slip) => !border.has(slip)).length,
  };
}

function overdueIn(value: Buffer | null): { readonly slip: number; readonly deadlineMs: number } | null {
  if (!value?.includes(overdueType)) return null;
  const { source, slipId, event } = decodeSlipEvent(value);
  if (source !== sources.reconciliation || event.type !== 'SlipOverdue') return null;
  return { slip: slipOfId(slipId), deadlineMs: instantToMs(event.data.deadline) };
}

export interface CatchUp {
  readonly events: number;
  readonly seconds: number;
  /** Of the whole process, from its start on. */
  readonly cpu: Cpu;
  readonly peakRssMiB: number;
  readonly verdicts: Verdicts;
}

/** The service from its first unit to the end of a filled topic, durable, and its verdicts. */
export async function catchUpReconciler(bench: Bench, dataDir: string, filled: Filled): Promise<CatchUp> {
  const reconciler = await Reconciler.start(bench, dataDir);
  try {
    const before = await reconciler.first();
    const { atMs } = await reconciler.hasReadTo(filled.ends);
    const verdicts = await readVerdicts(bench, filled);
    return {
      events: filled.records - before.records,
      seconds: (atMs - before.atMs) / 1_000,
      ...{ cpu: reconciler.cpu(), peakRssMiB: reconciler.peakRssMiB, verdicts },
    };
  } finally {
    await reconciler.stop();
  }
}

export interface SteadyRun {
  readonly events: number;
  readonly seconds: number;
  readonly cpu: Cpu;
  readonly peakRssMiB: number;
  readonly verdicts: Verdicts;
  /** Seconds from the start of its process until it had read what came meanwhile. */
  readonly startSeconds: { readonly stopped: number; readonly killed: number } | null;
}

/** What events cost once the stream is steady, so many slips being open; and how long a start takes then. */
export async function steadyRun(
  bench: Bench,
  dataDir: string,
  filled: Filled,
  alsoStarts: boolean,
): Promise<SteadyRun> {
  const reconciler = await Reconciler.start(bench, dataDir);
  try {
    const from = await reconciler.hasRead(filled.steadyRecords);
    const to = await reconciler.hasReadTo(filled.ends);
    const peak = reconciler.peakRssMiB;
    const verdicts = await readVerdicts(bench, filled);
    const startSeconds = alsoStarts
      ? {
          stopped: await secondsToStart(reconciler, filled, 'SIGTERM'),
          killed: await secondsToStart(reconciler, filled, 'SIGKILL'),
        }
      : null;
    return {
      events: to.records - from.records,
      seconds: (to.atMs - from.atMs) / 1_000,
      cpu: {
        service: to.cpu.service - from.cpu.service,
        postgres: to.cpu.postgres - from.cpu.postgres,
      },
      ...{ verdicts, startSeconds, peakRssMiB: startSeconds ? Math.max(peak, reconciler.peakRssMiB) : peak },
    };
  } finally {
    await reconciler.stop();
  }
}

/** As many slips more as there are partitions are told while it is away: it has started when it has read those. */
async function secondsToStart(
  reconciler: Reconciler,
  { outside, shape, startMs, ends }: Filled,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<number> {
  const before = await reconciler.end(signal);
  const first = shape.slips + ends.length * (signal === 'SIGKILL' ? 2 : 1);
  const atMs = (shape.slips * 1_000) / shape.perSecond;
  await outside.tell(
    ends.map((_, n): Happening => ({ slip: first + n, step: 'SlipSubmitted', atMs })),
    startMs,
  );
  await waitFor(() => reconciler.pid !== undefined && reconciler.pid !== before, {
    what: 'the reconciler to be started again',
    intervalMs: 2,
  });
  const startedMs = performance.now();
  const read = await reconciler.hasReadTo(outside.ends);
  return (read.atMs - startedMs) / 1_000;
}

export interface Latency {
  readonly verdicts: Verdicts;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Slips on the wall clock in an open loop: how long after its deadline another process can read a verdict on Kafka. */
export async function liveLatency(bench: Bench, dataDir: string, shape: StreamShape): Promise<Latency> {
  const { kafka, producer, outside } = await connect(bench, shape.deadlineMs);
  const reconciler = await Reconciler.start(bench, dataDir);
  const found: { readonly slip: number; readonly lateMs: number }[] = [];
  const stream = new RecordStream({
    ...{ kafka, topic: topics.events.name, fromBeginning: false },
    onFatal: (error) => {
      throw error;
    },
    async onBatch(records) {
      const nowMs = Date.now();
      for (const { value } of records) {
        const verdict = overdueIn(value);
        if (verdict !== null) found.push({ slip: verdict.slip, lateMs: nowMs - verdict.deadlineMs });
      }
    },
  });
  try {
    await stream.start();
    const missing = missingBy(shape, Number.POSITIVE_INFINITY);
    await tellLive(outside, shape, Date.now(), () => found.length >= missing.size);
    const lateMs = found.map((one) => one.lateMs).sort((a, b) => a - b);
    const at = (share: number) =>
      lateMs[Math.min(lateMs.length - 1, Math.floor(lateMs.length * share))] ?? Number.NaN;
    const verdicts = compare(
      found.map(({ slip }) => slip),
      missing,
    );
    return { verdicts, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  } finally {
    await stream.stop();
    await reconciler.stop();
    await producer.stop();
  }
}

/** Tells the stream as its times come, and ticks until all is found, or 10 s after the last deadline. */
async function tellLive(
  outside: OutsideWorld,
  shape: StreamShape,
  startMs: number,
  isDone: () => boolean,
): Promise<void> {
  const stream = happenings(shape);
  let next = stream.next();
  let tickedMs = 0;
  const lastMs = (shape.slips * 1_000) / shape.perSecond + shape.deadlineMs + 10_000;
  for (let nowMs = 0; nowMs < lastMs && !(next.done && isDone()); nowMs = Date.now() - startMs) {
    const batch: Happening[] = [];
    for (; !next.done && next.value.atMs <= nowMs; next = stream.next()) batch.push(next.value);
    await outside.tell(batch, startMs);
    if (nowMs - tickedMs >= tickMs) {
      await outside.tick(startMs + nowMs);
      tickedMs = nowMs;
    }
    await sleep(5);
  }
}
