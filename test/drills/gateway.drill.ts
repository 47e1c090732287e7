import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeClockSteppable, stepClock } from '@slipstream/environment';
import { type RuleChange, type Stack, type StackOptions, startStack } from '@slipstream/local';
import { type KafkaProxy, startKafkaProxy, waitFor } from '@slipstream/testing';
import type pg from 'pg';
import { asSuperuser, closeDatabase, databaseUrl, endSessions } from './database.ts';
import { Payments } from './payments.ts';
import { ProcessClock } from './process-clock.ts';

type Log = (line: string) => void;

export interface GatewayOptions {
  /** How long the gateway is without its database. */
  readonly awayMs: number;
  /** Slips of each part. */
  readonly slips: number;
  /** Its database's clock is drilled, too. */
  readonly databaseClock: boolean;
}

/** What became of the slips of one part, by the providers' own word. */
export interface GatewayPart {
  readonly part: 'frozen' | 'no database' | 'clock' | 'database clock' | 'disabled';
  readonly slips: number;
  readonly paid: number;
  /** Paid twice, by one provider or two. */
  readonly second: number;
  /** Settled and not paid, or given back and paid. */
  readonly differing: number;
  /** Without an end. */
  readonly open: number;
  /** Sent after its not_after, or to a provider that was disabled. */
  readonly forbidden: number;
  /** Called overdue, or given back, though nothing was wrong with it. */
  readonly given_up: number;
  readonly holds: boolean;
}

/** Callbacks go to the other one. */
const second = 'provider-gateway-2';
const database = 'provider_gateway';
const never = '9999-12-31T00:00:00Z';
const endTimeoutMs = 180_000;
/** So long a wrong clock stands: many times what it takes to be seen, and far from every deadline. */
const clockOffMs = 8_000;
/** Long enough for a slow machine: no deadline is what is drilled. */
const deadlineMs = 60_000;

/** A stack whose gateway has two instances, a standby on the route, a clock that can be set wrong and a bus that can be slow. */
export class GatewayWorld {
  readonly options: Partial<StackOptions>;
  proxy: KafkaProxy | null = null;
  readonly #clock: ProcessClock;

  constructor(folder: string) {
    this.#clock = new ProcessClock(folder, 'provider-gateway');
    this.options = {
      profile: 'stack',
      instances: { 'provider-gateway': 2 },
      policies: { outcome_deadline_ms: deadlineMs },
      rules: standby,
      // Their answers are replies: whoever loses one has to ask.
      behaviour: { mode: 'sync', latency_ms: [300, 700], failure_rate: 0 },
      preloads: { 'provider-gateway': this.#clock.preload },
      wayToKafka: async ([broker]) => {
        this.proxy ??= await startKafkaProxy(broker!);
        return [this.proxy.address];
      },
    };
  }

  setClock(aheadMs: number): void {
    this.#clock.set(aheadMs);
  }
}

const standby: readonly RuleChange[] = [
  { path: ['routes', 'default', 'provider'] },
  {
    path: ['routes', 'default', 'providers'],
    value: [
      { id: 'acme', priority: 1 },
      { id: 'borealis', priority: 2 },
    ],
  },
];

export async function drillGateway(options: GatewayOptions, log: Log): Promise<readonly GatewayPart[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  const world = new GatewayWorld(dataDir);
  try {
    const stack = await startStack({
      ...{ profile: 'stack', ...world.options, dataDir, log, removeOnCrash: [dataDir] },
    });
    try {
      return await playGateway(stack, world, options, log);
    } finally {
      await stack.stop();
    }
  } finally {
    await world.proxy?.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** One part after the other, on one stack. */
export async function playGateway(
  stack: Stack,
  world: GatewayWorld,
  options: GatewayOptions,
  log: Log,
): Promise<readonly GatewayPart[]> {
  return [
    await clockIsOff(stack, world, options, log),
    ...(options.databaseClock ? [await databaseClockIsOff(stack, options, log)] : []),
    await withoutDatabase(stack, options, log),
    await disabled(stack, options, log),
    await frozen(stack, world, options, log),
  ];
}

/** An instance stands still between its intents and their calls, another one takes over, and it is woken. */
async function frozen(stack: Stack, world: GatewayWorld, { slips }: GatewayOptions, log: Log) {
  const payments = new Payments(stack.env);
  const caught = new Map<string, string>();
  world.proxy!.produceDelayMs = 300;
  await asSuperuser(stack, database, async (client) => {
    for (let tries = 0; tries < 20 && caught.size === 0; tries++) {
      const submitted = payments.submit(slips);
      await waitFor(async () => (await intendedBy(client, second)).length > 0, {
        ...{ timeoutMs: endTimeoutMs, intervalMs: 5, what: `an intent of ${second}` },
      });
      stack.services.kill(second, 'SIGSTOP');
      await submitted;
      const received = new Set((await truth(stack)).map(({ slip_id }) => slip_id));
      for (const { slip_id, not_after } of await intendedBy(client, second))
        if (!received.has(slip_id)) caught.set(slip_id, not_after);
      if (caught.size === 0) stack.services.kill(second, 'SIGCONT');
    }
  });
  world.proxy!.produceDelayMs = 0;
  log(`frozen: it stands still with ${caught.size} intents whose call was not made`);
  await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  stack.services.kill(second, 'SIGCONT');
  // By the end of these it has done whatever it does when it is woken.
  await payments.submit(slips);
  await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  const late = (await truth(stack)).filter(
    ({ slip_id, provider, received_at }) =>
      provider === 'acme' && Date.parse(received_at) > Date.parse(caught.get(slip_id) ?? never),
  );
  const part = await outcome('frozen', payments, { forbidden: late.length, givenUp: 0 });
  return { ...part, holds: part.holds && caught.size > 0 };
}

/** Providers answer, and for a while nothing can be written down. */
async function withoutDatabase(stack: Stack, { slips, awayMs }: GatewayOptions, log: Log) {
  const payments = new Payments(stack.env);
  await payments.submit(slips);
  log(`no database: the gateway is without it for ${awayMs} ms`);
  await closeDatabase(stack, database, awayMs);
  await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  return outcome('no database', payments, { forbidden: 0, givenUp: 0 });
}

/** The processes' time of day is wrong, and jumps for a moment. */
async function clockIsOff(stack: Stack, world: GatewayWorld, { slips }: GatewayOptions, log: Log) {
  const payments = new Payments(stack.env);
  for (const aheadMs of [10_000, -10_000]) {
    world.setClock(aheadMs);
    log(`clock: ${aheadMs} ms ahead`);
    await payments.submit(slips);
    await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  }
  world.setClock(0);
  const submitted = payments.submit(slips);
  world.setClock(1_500);
  await sleep(1_500);
  world.setClock(0);
  await submitted;
  await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  const givenUp = await countTold(payments, ['overdue', 'refunded', 'not_returned']);
  return outcome('clock', payments, { forbidden: 0, givenUp });
}

/**
 * The time of day by which intents, leases and marks are written is wrong, and jumps for a moment; the others' databases have it right. While
 * the clocks lie apart nothing is sent or judged, and when they are right again nothing has been lost by that.
 */
async function databaseClockIsOff(stack: Stack, { slips }: GatewayOptions, log: Log) {
  const url = databaseUrl(stack, database);
  await makeClockSteppable(url);
  await endSessions(stack, database);
  const payments = new Payments(stack.env);
  let waited = 0;
  for (const aheadMs of [10_000, -10_000]) {
    await stepClock(url, aheadMs);
    await payments.submit(slips);
    await waitFor(() => isPaused(stack), { timeoutMs: endTimeoutMs, what: 'calls that are paused' });
    await payments.submit(slips);
    await sleep(clockOffMs);
    const waiting = (await payments.open()).length;
    waited += Number(waiting > 0);
    await stepClock(url, 0);
    log(`database clock: ${waiting} slips waited while it was ${aheadMs} ms ahead`);
    await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  }
  const submitted = payments.submit(slips);
  await stepClock(url, 1_500);
  await sleep(1_500);
  await stepClock(url, 0);
  await submitted;
  await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  const givenUp = await countTold(payments, ['overdue', 'refunded', 'not_returned']);
  const part = await outcome('database clock', payments, { forbidden: 0, givenUp });
  return { ...part, holds: part.holds && waited === 2 };
}

/** A provider is disabled while slips come. */
async function disabled(stack: Stack, { slips }: GatewayOptions, log: Log) {
  const payments = new Payments(stack.env);
  const coming = payments.submit(3 * slips);
  await waitFor(() => payments.count >= slips, { timeoutMs: endTimeoutMs, what: 'a third of the slips' });
  await call(stack, '/v1/providers/acme/disable', { reason: 'a drill' });
  const at = Date.now();
  await coming;
  // On a quick machine all of those were sent before it: these go elsewhere.
  await payments.submit(slips);
  await payments.ended(endTimeoutMs).catch((error: Error) => log(error.message));
  const intents = (await payments.events()).filter(({ type }) => type.includes('dispatch_intended'));
  const later = intents.filter(({ time }) => Date.parse(time) > at);
  const forbidden = later.filter(({ data }) => data.provider === 'acme').length;
  log(`disabled: ${later.length} calls after it, ${forbidden} of them to it`);
  await call(stack, '/v1/providers/acme/enable', { reason: 'a drill' });
  const part = await outcome('disabled', payments, { forbidden, givenUp: 0 });
  return { ...part, holds: part.holds && later.length > 0 };
}

async function outcome(
  part: GatewayPart['part'],
  payments: Payments,
  { forbidden, givenUp }: { readonly forbidden: number; readonly givenUp: number },
): Promise<GatewayPart> {
  const { paid, second, differing } = await payments.executions();
  const open = (await payments.open()).length;
  const result = { part, slips: payments.count, paid, second, differing, open, forbidden, given_up: givenUp };
  return { ...result, holds: second + differing + open + forbidden + givenUp === 0 && paid > 0 };
}

async function countTold(payments: Payments, words: readonly string[]): Promise<number> {
  return (await payments.events()).filter(({ type }) => words.some((word) => type.includes(`.${word}.`)))
    .length;
}

interface Intended {
  readonly slip_id: string;
  readonly not_after: string;
}

async function intendedBy(client: pg.Client, owner: string): Promise<readonly Intended[]> {
  const sql = "select slip_id, not_after::text from dispatch where status = 'intended' and owner = $1";
  return (await client.query<Intended>(sql, [owner])).rows;
}

/** Whether it calls nobody, because clocks lie apart. */
async function isPaused(stack: Stack): Promise<boolean> {
  const answer = await fetch(`${stack.env.GATEWAY_URL}/readyz`);
  return (await answer.text()).includes('paused: ');
}

interface Received {
  readonly slip_id: string;
  readonly provider: string;
  readonly received_at: string;
}

/** What providers received. */
async function truth(stack: Stack): Promise<readonly Received[]> {
  const answer = await fetch(new URL('/v1/truth', stack.simulatorUrl));
  return ((await answer.json()) as { data: Received[] }).data;
}

async function call(stack: Stack, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${stack.env.TOKEN_OPS}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await fetch(`${stack.env.GATEWAY_URL}${path}`, init);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}
