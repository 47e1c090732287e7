import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFacts } from '@slipstream/checker';
import {
  checkTarget,
  dispatchedRoutes,
  type ServiceName,
  type Stack,
  type StackOptions,
  startStack,
} from '@slipstream/local';
import { type KafkaProxy, startKafkaProxy, waitFor } from '@slipstream/testing';
import { asSuperuser } from './database.ts';
import { type JudgedDetection, judgeDetection } from './detection-truth.ts';
import { openSlips, setFaults, submitAll } from './faulty-feed.ts';
import { ProcessClock } from './process-clock.ts';
import { planPayments } from './provider-faults.ts';
import { polledProvider, providersStack } from './providers.drill.ts';

/** What goes wrong with us while the providers' faults happen. */
export const troubles = [
  'reconciler-stopped',
  'relay-stalled',
  'kafka-restarted',
  'clock-stepped',
  'ledger-stopped',
  'gateway-stopped',
  'ten-times-slower',
] as const;
export type Trouble = (typeof troubles)[number];

export interface DetectionOptions {
  readonly seed: number;
  /** Of each run. */
  readonly slips: number;
  /** They are submitted evenly over so long at least. */
  readonly overMs: number;
  /** How long each trouble lasts. */
  readonly forMs: number;
}

export interface DetectionRun extends JudgedDetection {
  readonly troubles: readonly Trouble[];
  readonly seed: number;
  /** From the first submission until every slip had ended. */
  readonly seconds: number;
  /** Open cases at the end, by reason and cause: whether people get what is theirs, and nothing else. */
  readonly cases: Readonly<Record<string, number>>;
}

type Log = (line: string) => void;

const services: readonly ServiceName[] = ['intake', 'provider-gateway', 'ledger', 'reconciliation'];
/** The first trouble begins when so much of the feed was taken: there are slips in every stage then. */
const beforeTrouble = 0.25;
const hourMs = 3_600_000;
/** Of every so many milliseconds a service runs for a tenth. */
const slowTurnMs = 100;
const slowRunMs = 10;
const frozenMs = 10_000;
const endTimeoutMs = 900_000;
const stillMs = 60_000;
const pollMs = 3_000;
const examplesMax = 10;

/** A stack on which every service's clock can be set wrong, and the way from the gateway to Kafka can stand still. */
export class DetectionWorld {
  readonly options: Partial<StackOptions>;
  #proxy: KafkaProxy | null = null;
  readonly #clocks: ReadonlyMap<ServiceName, ProcessClock>;

  constructor(folder: string) {
    this.#clocks = new Map(services.map((service) => [service, new ProcessClock(folder, service)]));
    this.options = {
      ...providersStack,
      preloads: Object.fromEntries([...this.#clocks].map(([service, { preload }]) => [service, preload])),
      wayToKafka: async (brokers, service) => {
        if (service !== 'provider-gateway') return brokers;
        this.#proxy = await startKafkaProxy(brokers[0]!);
        return [this.#proxy.address];
      },
    };
  }

  async bring(trouble: Trouble, stack: Stack, forMs: number): Promise<void> {
    switch (trouble) {
      case 'reconciler-stopped':
        return standStill(stack, 'reconciliation', forMs);
      case 'ledger-stopped':
        return standStill(stack, 'ledger', forMs);
      case 'gateway-stopped':
        return standStill(stack, 'provider-gateway', forMs);
      case 'relay-stalled':
        return this.#stallRelay(forMs);
      case 'kafka-restarted':
        return stack.environment.restartKafka();
      case 'clock-stepped':
        return this.#stepClocks(forMs);
      case 'ten-times-slower':
        return slowDown(stack, forMs);
    }
  }

  async close(): Promise<void> {
    await this.#proxy?.close();
  }

  /** What the gateway has committed does not leave it; it goes on working. */
  async #stallRelay(forMs: number): Promise<void> {
    this.#proxy!.produceDelayMs = forMs;
    await sleep(forMs);
    this.#proxy!.produceDelayMs = 0;
  }

  /** One service after the other, ahead and behind. */
  async #stepClocks(forMs: number): Promise<void> {
    for (const [place, clock] of [...this.#clocks.values()].entries()) {
      clock.set(place % 2 === 0 ? hourMs : -hourMs);
      await sleep(forMs / services.length);
      clock.set(0);
    }
  }
}

/** Each trouble in a run of its own, on a stack of its own. */
export async function drillDetection(
  wanted: readonly Trouble[],
  options: DetectionOptions,
  log: Log,
): Promise<readonly DetectionRun[]> {
  const runs: DetectionRun[] = [];
  for (const trouble of wanted) {
    const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
    const world = new DetectionWorld(dataDir);
    try {
      log(`\n${trouble}:`);
      const removeOnCrash = [dataDir];
      const stack = await startStack({ profile: 'stack', ...world.options, dataDir, log, removeOnCrash });
      try {
        runs.push(await playDetection(stack, world, [trouble], options, log));
      } finally {
        await stack.stop();
      }
    } finally {
      await world.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
    log(JSON.stringify(runs.at(-1)));
  }
  return runs;
}

/** Slips through all providers with all faults at once; meanwhile the troubles, one after the other. */
export async function playDetection(
  stack: Stack,
  world: DetectionWorld,
  wanted: readonly Trouble[],
  { seed, slips, overMs, forMs }: DetectionOptions,
  log: Log,
): Promise<DetectionRun> {
  const start = new Date();
  await setFaults(stack, start, frozenMs);
  const routes = [dispatchedRoutes('stack').map(({ route }) => route), [polledProvider]] as const;
  const plan = planPayments({ run: start.getTime().toString(36), seed, slips, routes });
  const underWay = Promise.withResolvers<void>();
  const onTaken = (count: number) => {
    if (count >= beforeTrouble * slips) underWay.resolve();
  };
  const [taken] = await Promise.all([
    submitAll(plan, stack, { overMs, onTaken }),
    underWay.promise.then(() => bringAll(stack, world, wanted, forMs, log)),
  ]);
  log(`${taken.length} slips were taken`);
  const since = start.toISOString();
  const all = new Set(taken.map(({ id }) => id));
  await waitFor(async () => (await openSlips(stack, since, all)).length === 0, {
    ...{ timeoutMs: endTimeoutMs, intervalMs: pollMs, what: 'the end of every slip' },
    // What has not ended is judged as it is.
  }).catch((error: Error) => log(error.message));
  const seconds = Math.round((Date.now() - start.getTime()) / 1_000);
  const judged = await agreed(stack, since, taken.length, log);
  return { troubles: wanted, seed, seconds, ...judged, cases: await openCases(stack) };
}

const casesSql = `
select r ->> 'reason' as reason, coalesce(cause_code, '-') as cause, count(*)::int as n
  from case_file c, json_array_elements(c.reasons) as r
 where c.status = 'open' and r ->> 'resolution' is null group by 1, 2 order by 3 desc`;

async function openCases(stack: Stack): Promise<Readonly<Record<string, number>>> {
  const cases: Record<string, number> = {};
  await asSuperuser(stack, 'reconciliation', async (client) => {
    const { rows } = await client.query<{ reason: string; cause: string; n: number }>(casesSql);
    for (const { reason, cause, n } of rows) cases[`${reason} ${cause}`] = n;
  });
  return cases;
}

async function bringAll(
  stack: Stack,
  world: DetectionWorld,
  wanted: readonly Trouble[],
  forMs: number,
  log: Log,
): Promise<void> {
  for (const trouble of wanted) {
    log(`  ${trouble} …`);
    await world.bring(trouble, stack, forMs);
    log(`  ${trouble} is over`);
  }
}

/**
 * Looks until everything is right: a slip with an open case may still be asked about, and what is committed between the tables
 * and the topic is in one of them alone. What is found when nothing comes any more, or not for the world, stands.
 */
async function agreed(stack: Stack, since: string, taken: number, log: Log): Promise<JudgedDetection> {
  const startMs = performance.now();
  let [events, stillSinceMs] = [0, startMs];
  for (;;) {
    const facts = await readFacts({ ...checkTarget(stack), since });
    const { judged, findings } = judgeDetection(facts, taken);
    const nowMs = performance.now();
    if (facts.topic.length > events) [events, stillSinceMs] = [facts.topic.length, nowMs];
    const isOver = nowMs - stillSinceMs > stillMs || nowMs - startMs > endTimeoutMs;
    if (judged.holds || isOver) {
      for (const { kind, about, why } of findings.slice(0, examplesMax)) log(`${kind} ${about}: ${why}`);
      return judged;
    }
    await sleep(pollMs);
  }
}

async function standStill(stack: Stack, service: ServiceName, forMs: number): Promise<void> {
  stack.services.kill(service, 'SIGSTOP');
  try {
    await sleep(forMs);
  } finally {
    stack.services.kill(service, 'SIGCONT');
  }
}

/** All services get a tenth of the time, as on a machine that is far too busy; their clocks run on. */
async function slowDown(stack: Stack, forMs: number): Promise<void> {
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    signal(stack, 'SIGSTOP');
    try {
      await sleep(slowTurnMs - slowRunMs);
    } finally {
      signal(stack, 'SIGCONT');
    }
    await sleep(slowRunMs);
  }
}

/** Past the supervisor: what is slow loses nothing that it had read, and nothing excuses it. */
function signal(stack: Stack, name: NodeJS.Signals): void {
  for (const service of services) {
    const pid = stack.services.pid(service);
    if (pid !== undefined) process.kill(pid, name);
  }
}
