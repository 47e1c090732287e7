import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { givePrecedence, type Stack, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { type Answered, LoadClient, type Post, percentile } from '../benchmarks/http-load.ts';
import { type JudgedOverload, judgeOverload } from './overload-truth.ts';

export interface OverloadOptions {
  /** Of the sustainable rate. */
  readonly times: number;
  /** How long the flood lasts. */
  readonly floodS: number;
}

type Log = (line: string) => void;

/** Long enough for what the flood's first seconds let in, which nobody knows to be too much yet. */
const outcomeDeadlineMs = 30_000;
const calibrationSlips = 1_500;
/** They all are to be served, however slow the machine is. */
const calibrationDeadlineMs = 600_000;
/** Of them, so that no straggler is waited for. */
const calibrationShare = 0.9;
/** As intake's, whom they wait for. */
const callersNiceness = -8;
const halfS = 15;
const connections = 512;
const inFlight = 64;
const calibrationTimeoutMs = 300_000;
const servedTimeoutMs = 2 * outcomeDeadlineMs;
const recoveryTimeoutMs = 30_000;
const probeEveryMs = 100;
/** Quick answers in a row that are a recovery. */
const quickProbes = 5;

/** Boots a stack of its own, finds what it can do, gives it five times as much, and judges how it takes that. */
export async function drillOverload(options: OverloadOptions, log: Log): Promise<JudgedOverload> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  try {
    const stack = await startStack({
      ...{ profile: 'stack', dataDir, log, removeOnCrash: [dataDir] },
      policies: { outcome_deadline_ms: outcomeDeadlineMs },
      behaviour: { failure_rate: 0 },
    });
    try {
      // The callers are no part of what is measured: their own waiting for a processor would count as an answer's.
      await givePrecedence(process.pid, callersNiceness);
      return await overload(stack, options, log);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function overload(stack: Stack, options: OverloadOptions, log: Log): Promise<JudgedOverload> {
  const client = new LoadClient(stack.env.INTAKE_URL!, '/v1/slips', connections);
  try {
    const sustainedPerS = await sustained(stack, client);
    log(`${sustainedPerS.toFixed(0)} slips/s reach their provider`);
    const half = await client.flood(postsFor(stack, (sustainedPerS / 2) * halfS), sustainedPerS / 2);
    const unservedBefore = await served(stack, half);
    const memory = new MemoryWatch(stack);
    const memoryBefore = await memory.look();
    const perS = sustainedPerS * options.times;
    log(`half of that was taken; now ${perS.toFixed(0)} a second for ${options.floodS} s`);
    const flood = await memory.during(client.flood(postsFor(stack, perS * options.floodS), perS));
    for (const line of byTime(flood, perS)) log(line);
    const recoveredMs = await recovered(stack, client, half);
    const unserved = unservedBefore + (await served(stack, flood));
    if (memory.looks < 2) throw new Error('memory was not measured: no service said what it takes');
    return judgeOverload({
      ...{ sustainedPerS, half, flood, memoryBefore, memoryMax: memory.max, recoveredMs, unserved },
    });
  } finally {
    await client.close();
  }
}

const toldEveryS = 3;

/** How the flood went: what came within so long together. */
function byTime(flood: readonly Answered[], perS: number): string[] {
  const perPart = Math.ceil(perS * toldEveryS);
  return Array.from({ length: Math.ceil(flood.length / perPart) }, (_, part) => {
    const answers = flood.slice(part * perPart, (part + 1) * perPart);
    const p99 = (admitted: boolean) => {
      const those = answers.filter(({ status }) => (status === 202) === admitted);
      const sorted = Float64Array.from(those, ({ latencyMs }) => latencyMs).sort();
      return `${those.length} in ${those.length === 0 ? '-' : percentile(sorted, 99).toFixed(0)} ms`;
    };
    return `from ${part * toldEveryS} s: let in ${p99(true)}, sent away ${p99(false)}`;
  });
}

/** As many at once as a busy caller has under way, who comes again when he is sent away: how fast they reach the provider. */
async function sustained(stack: Stack, client: LoadClient): Promise<number> {
  const begunMs = performance.now();
  const deadline = new Date(Date.now() + calibrationDeadlineMs).toISOString();
  const waiting = postsFor(stack, calibrationSlips, deadline);
  const answers: Answered[] = [];
  const send = async () => {
    for (let post = waiting.shift(); post; post = waiting.shift()) {
      const [answer] = await client.flood([post], 1);
      if (answer!.status === 202) answers.push(answer!);
      else {
        waiting.push(post);
        await sleep(probeEveryMs);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, send));
  const enough = calibrationShare * calibrationSlips;
  await waitFor(async () => (await receivedSlips(stack)).size >= enough, {
    ...{ timeoutMs: calibrationTimeoutMs, intervalMs: 100, what: 'most slips at their provider' },
  });
  const sustainedPerS = enough / ((performance.now() - begunMs) / 1_000);
  await served(stack, answers);
  return sustainedPerS;
}

function postsFor(stack: Stack, count: number, deadline: string | null = null): Post[] {
  return Array.from({ length: Math.round(count) }, () => {
    const reference = randomUUID();
    return {
      headers: {
        authorization: `Bearer ${stack.env.TOKEN_PUBLISHER}`,
        'content-type': 'application/json',
        'idempotency-key': reference,
      },
      body: JSON.stringify({
        ...{ reference, kind: 'order', account: `payer-${reference.slice(0, 2)}`, counterparty: 'shop' },
        ...{ amount: { amount: '1250', currency: 'EUR' }, route: 'default', deadline },
      }),
    };
  });
}

/** Waits until what was taken has reached its provider, or could not in time. @returns how many of them never did */
async function served(stack: Stack, answers: readonly Answered[]): Promise<number> {
  const taken = answers
    .filter(({ status }) => status === 202)
    .map(({ body }) => (JSON.parse(body) as { id: string }).id);
  let missing = taken;
  await waitFor(
    async () => {
      const received = await receivedSlips(stack);
      missing = taken.filter((id) => !received.has(id));
      return missing.length === 0;
    },
    {
      timeoutMs: servedTimeoutMs,
      intervalMs: 500,
      what: 'every slip at its provider',
    },
  ).catch(() => undefined);
  return missing.length;
}

async function receivedSlips(stack: Stack): Promise<Set<string>> {
  const answer = await fetch(`${stack.simulatorUrl}/v1/truth`);
  const { data } = (await answer.json()) as { data: { slip_id: string }[] };
  return new Set(data.map(({ slip_id }) => slip_id));
}

/** @returns null when submissions are not taken as quickly as at half load within the time */
async function recovered(
  stack: Stack,
  client: LoadClient,
  half: readonly Answered[],
): Promise<number | null> {
  const usualMs = 3 * percentile(Float64Array.from(half, ({ latencyMs }) => latencyMs).sort(), 99);
  const begunMs = performance.now();
  for (let quick = 0; performance.now() - begunMs < recoveryTimeoutMs; ) {
    const [answer] = await client.flood(postsFor(stack, 1), 1_000);
    quick = answer!.status === 202 && answer!.latencyMs <= usualMs ? quick + 1 : 0;
    if (quick === quickProbes) return performance.now() - begunMs;
    await sleep(probeEveryMs);
  }
  return null;
}

/** What all services together hold in memory, by their own word. */
class MemoryWatch {
  readonly #urls: readonly string[];
  max = 0;
  looks = 0;

  constructor({ env }: Stack) {
    this.#urls = ['INTAKE_URL', 'GATEWAY_URL', 'LEDGER_URL', 'RECONCILIATION_URL'].map((name) => env[name]!);
  }

  async look(): Promise<number> {
    const each = await Promise.all(this.#urls.map(residentBytes));
    const sum = each.reduce((a, b) => a + b, 0);
    this.max = Math.max(this.max, sum);
    this.looks += 1;
    return sum;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await this.look().catch(() => undefined);
      await Promise.race([sleep(1_000), over.catch(() => undefined)]);
    }
    return over;
  }
}

async function residentBytes(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
  return Number(/^process_resident_memory_bytes\S* (\S+)$/m.exec(text)![1]);
}
