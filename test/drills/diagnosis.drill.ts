import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  hasEnded,
  type RuleChange,
  readSlips,
  type ShownSlip,
  type Stack,
  type StackOptions,
  startStack,
  submitSlip,
} from '@slipstream/local';
import { FAULTS, type Simulator, startSimulator } from '@slipstream/provider-simulator';
import type { CauseClass } from '@slipstream/slip';
import { startTcpProxy, type TcpProxy, waitFor } from '@slipstream/testing';
import type { Label } from './diagnosis-labels.ts';
import { happenings, type Machines } from './diagnosis-machines.ts';
import {
  type FaultOfMachines,
  type FaultOfSlip,
  lineRoute,
  ofMachines,
  ofSlips,
  type Part,
  type PlannedSlip,
  planParts,
  refusedRoute,
  wrongRoute,
} from './diagnosis-plan.ts';
import { type Confusion, confusionOf, type Diagnosed } from './diagnosis-truth.ts';

type Log = (line: string) => void;

export interface DiagnosisOptions {
  readonly seed: number;
  /** Of each fault. */
  readonly slips: number;
  readonly faults?: readonly FaultOfSlip[];
  readonly parts?: readonly FaultOfMachines[];
  /** Of the stack's routes, in milliseconds. */
  readonly deadlineMs?: number;
}

const deadlineMsDefault = 8_000;
const endTimeoutMs = 180_000;
const pollMs = 1_000;

/** The provider at the end of a line that can be cut: it answers at once. */
const lineProvider = 'ember';
const lineSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/**
 * The provider that signs with another secret than the rules have. Its callback comes late, and whoever asks then is answered behind the deadline:
 * else nothing is missed.
 */
const refusedProvider = 'fjord';
const calledBackMs = [5_000, 5_500] as const;
const inquiryDelayMs = 4_000;

/** What stands beside the stack. */
export interface DiagnosisWorld {
  readonly line: TcpProxy;
  /** Where the callbacks of the providers beside the stack go, from when it runs. */
  callBack(gatewayUrl: string): void;
  readonly options: Partial<StackOptions>;
  close(): Promise<void>;
}

export async function openWorld(deadlineMs = deadlineMsDefault): Promise<DiagnosisWorld> {
  // Port 9: nobody.
  let gatewayPort = 9;
  const callbacks = await startTcpProxy(() => gatewayPort);
  const simulator: Simulator = await startSimulator({
    providers: [
      // It answers at once, and calls nobody back.
      { id: lineProvider, secret: lineSecret, mode: 'sync', callback_url: 'http://127.0.0.1:9' },
      {
        ...{ id: refusedProvider, secret: `whsec_${Buffer.alloc(32, 9).toString('base64')}` },
        callback_url: `http://127.0.0.1:${callbacks.port}/v1/callbacks/${refusedProvider}`,
        answer_ms: calledBackMs,
      },
    ],
  });
  await put(new URL('/v1/rules', simulator.admin).href, [
    { fault: 'slow_inquiry', provider: refusedProvider, delay_ms: inquiryDelayMs },
  ]);
  const portOf = (provider: string) => Number(new URL(simulator.providers[provider]!).port);
  const line = await startTcpProxy(portOf(lineProvider));
  return {
    line,
    callBack: (gatewayUrl) => {
      gatewayPort = Number(new URL(gatewayUrl).port);
    },
    options: {
      profile: 'stack',
      policies: { outcome_deadline_ms: deadlineMs },
      rules: rulesOf(line.port, portOf(refusedProvider), deadlineMs),
      behaviour: { failure_rate: 0 },
    },
    async close() {
      await line.close();
      await callbacks.close();
      await simulator.stop();
    },
  };
}

function rulesOf(linePort: number, refusedPort: number, deadlineMs: number): RuleChange[] {
  const provider = (base_url: string) => ({
    ...{ base_url, secret: lineSecret, connect_timeout_ms: 1_000, answer_timeout_ms: 2_000 },
    ...{ acceptance_delay_max_ms: 1_000, poll_ladder_ms: [], concurrency_max: 32, circuit_open_ms: 500 },
  });
  const route = (id: string) => ({
    ...{ mode: 'dispatched', provider: id, outcome_deadline_ms: deadlineMs, overdraft: true },
    ...{ retry_initial_ms: 200, retry_max_ms: 2_000, quiet_period_ms: 2_000 },
    inquiry_ladder_ms: [0, 2_000, 4_000, 8_000, 12_000],
  });
  return [
    // Whoever is asked before the deadline misses none when a callback is lost: then nothing is to be explained.
    ...['borealis', 'cumulus', 'dorado'].map((id) => ({
      path: ['providers', id, 'poll_ladder_ms'],
      value: [],
    })),
    { path: ['routes', 'payouts', 'review'] },
    { path: ['providers', lineProvider], value: provider(`http://127.0.0.1:${linePort}`) },
    { path: ['routes', lineRoute], value: route(lineProvider) },
    // Reserved by RFC 2606: nobody ever has that name.
    { path: ['providers', wrongRoute], value: provider('http://provider.invalid') },
    { path: ['routes', wrongRoute], value: route(wrongRoute) },
    {
      path: ['providers', refusedProvider],
      // Patiently: it is the secret that is wrong.
      value: {
        ...provider(`http://127.0.0.1:${refusedPort}`),
        answer_timeout_ms: inquiryDelayMs + 2_000,
      },
    },
    { path: ['routes', refusedRoute], value: route(refusedProvider) },
  ];
}

/** Boots a stack of its own. */
export async function drillDiagnosis(options: DiagnosisOptions, log: Log): Promise<Confusion> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  const world = await openWorld(options.deadlineMs);
  try {
    const stack = await startStack({
      ...{ profile: 'stack', ...world.options, dataDir, log, removeOnCrash: [dataDir] },
    });
    try {
      world.callBack(stack.env.GATEWAY_URL!);
      return await playDiagnosis({ stack, dataDir, line: world.line }, options, log);
    } finally {
      await stack.stop();
    }
  } finally {
    await world.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

type Place = Pick<Machines, 'stack' | 'dataDir' | 'line'>;

/** A slip that was taken, or refused, and the faults that it met. */
interface Sent {
  readonly slip: PlannedSlip;
  readonly faults: readonly Label[];
  readonly id: string | null;
}

/** Lets every slip meet its faults, one part after the other, and compares what was said of each with what it met. */
export async function playDiagnosis(place: Place, options: DiagnosisOptions, log: Log): Promise<Confusion> {
  const { stack } = place;
  const since = new Date().toISOString();
  const parts = planParts({
    ...{ run: Date.now().toString(36), seed: options.seed, slips: options.slips },
    ...{ faults: options.faults ?? ofSlips, parts: options.parts ?? ofMachines },
    deadlineMs: options.deadlineMs ?? deadlineMsDefault,
  });
  const sent: Sent[] = [];
  for (const part of parts) {
    sent.push(...(await play(place, part)));
    await untilEnded(stack, since, sent).catch((error: Error) => log(error.message));
    log(`${part.fault ?? 'calm'}: ${part.slips.length} slips`);
  }
  const shown = new Map((await shownSlips(stack, since)).map((slip) => [slip.id, slip]));
  const diagnosed = sent.map(({ faults, id, slip }) =>
    toDiagnosed(faults, id === null ? null : shown.get(id), slip),
  );
  for (const [index, one] of diagnosed.entries()) {
    const { id } = sent[index]!;
    const { matrix, ...verdict } = confusionOf([one]);
    if (verdict.wrong + verdict.unsaid > 0)
      log(`${id} ${one.faults.join(' + ')}: ${JSON.stringify(one.said)}`);
  }
  return confusionOf(diagnosed);
}

async function play(place: Place, part: Part): Promise<Sent[]> {
  const { stack } = place;
  const rules = faultRules(part);
  await setRules(stack, rules);
  const refuseAll = (untilMs: number) =>
    setRules(stack, [{ fault: 'refuse_connection', to: new Date(untilMs).toISOString() }, ...rules]);
  const happening = sleep(part.fromMs).then(async () => {
    if (part.fault !== null) await happenings[part.fault]({ ...place, refuseAll }, part.forMs);
  });
  const [sent] = await Promise.all([
    Promise.all(part.slips.map((slip) => send(stack, slip, part))),
    happening,
  ]);
  return sent;
}

async function send(stack: Stack, slip: PlannedSlip, part: Part): Promise<Sent> {
  await sleep(slip.atMs);
  if (slip.fault === 'account_frozen') await freeze(stack, slip.account);
  const target = { intakeUrl: stack.env.INTAKE_URL!, token: stack.env.TOKEN_PUBLISHER! };
  const submit = () => submitSlip(slip, target, new AbortController().signal);
  const id = await submit().catch((error: Error) => {
    if (slip.fault === 'account_frozen' && error.message.includes('account_not_active')) return null;
    throw error;
  });
  if (slip.fault === 'submitted_twice' && (await submit()) !== id)
    throw new Error(`${slip.reference} is two slips`);
  const faults: Label[] = [
    ...(slip.fault === 'usual' ? [] : [slip.fault]),
    ...(part.fault === null ? [] : [part.fault]),
  ];
  return { slip, id, faults: faults.length === 0 ? ['usual'] : faults };
}

/** Slips carry their fault in the payer's name. */
function faultRules(part: Part) {
  const backlogTo = new Date(Date.now() + 40_000).toISOString();
  const more: Readonly<Record<string, object>> = {
    frozen_backlog: { to: backlogTo },
    late_callback: { delay_ms: 15_000 },
  };
  const own = (fault: string) => ({ match: { account: `^payer-.*-${fault}$` }, ...more[fault] });
  const faults = new Set(part.slips.map(({ fault }) => fault));
  const ofQuestion = (fault: string) => ({ fault, match: { reference: `-${fault}$` } });
  return FAULTS.filter((fault) => faults.has(fault)).flatMap((fault) => {
    if (fault === 'ignores_cancellation') return [ofQuestion(fault)];
    if (fault === 'slow_inquiry') return [ofQuestion(fault), { fault: 'lost_callback', ...own(fault) }];
    return [{ fault, ...own(fault) }];
  });
}

interface Shown extends ShownSlip {
  readonly rejection?: { readonly rule: string } | null;
  readonly cause: { readonly class: CauseClass; readonly code: string } | null;
}

async function shownSlips(stack: Stack, since: string): Promise<Shown[]> {
  return (await readSlips(stack.env.LEDGER_URL!, stack.env.TOKEN_OPS!, since)) as Shown[];
}

async function untilEnded(stack: Stack, since: string, sent: readonly Sent[]): Promise<void> {
  await waitFor(
    async () => {
      const shown = await shownSlips(stack, since).catch(() => []);
      const ended = new Set(shown.filter(hasEnded).map(({ id }) => id));
      return sent.every(({ id }) => id === null || ended.has(id));
    },
    { timeoutMs: endTimeoutMs, intervalMs: pollMs, what: 'the end of every slip' },
  );
}

/** Something is to be explained where the deadline was missed or the money went back. */
function toDiagnosed(
  faults: readonly Label[],
  shown: Shown | null | undefined,
  { fault }: PlannedSlip,
): Diagnosed {
  if (shown === null) return { faults, missed: true, said: { class: 'user', code: 'account_not_active' } };
  if (shown === undefined) throw new Error(`a slip with ${fault} is unknown to the ledger`);
  const missed = shown.overdue || shown.status === 'refunded';
  return { faults, missed, said: shown.cause };
}

async function freeze(stack: Stack, account: string): Promise<void> {
  await put(
    `${stack.env.INTAKE_URL}/v1/accounts/${account}/status`,
    { status: 'frozen', reason: 'a drill' },
    stack.env.TOKEN_OPS,
  );
}

async function setRules(stack: Stack, rules: readonly object[]): Promise<void> {
  await put(new URL('/v1/rules', stack.simulatorUrl).href, rules);
}

async function put(url: string, body: object, token?: string): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const init = { method: 'PUT', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(60_000) };
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}
