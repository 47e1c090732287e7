import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFacts, type Summary } from '@slipstream/checker';
import {
  checkTarget,
  dispatchedRoutes,
  type RuleChange,
  readSlips,
  type Stack,
  type StackOptions,
  startStack,
} from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { openSlips, setFaults, submitAll } from './faulty-feed.ts';
import { lateProvider, planPayments } from './provider-faults.ts';
import { checked, type Judged, judge, type TakenPayment, unsettled } from './provider-truth.ts';

export interface ProvidersOptions {
  readonly seeds: readonly number[];
  /** Of each seed. */
  readonly slips: number;
  /** How long a provider's backlog stands still at the beginning. */
  readonly frozenMs: number;
  /** Of all slips, 0..1: how many must be settled, and not given back or a case. A machine that is busy elsewhere settles fewer. */
  readonly settledShareMin: number;
}

export interface ProvidersResult {
  readonly seeds: readonly (Judged & { readonly seed: number })[];
  /** What the independent checker says of all of them together. */
  readonly summary: Summary;
  readonly holds: boolean;
}

type Log = (line: string) => void;

const endTimeoutMs = 300_000;
const agreeTimeoutMs = 60_000;
const pollMs = 1_000;
export const settledShareMin = 0.85;
const examplesMax = 10;
/** Of slips that were not settled. */
const kindsMax = 40;

/** The route goes on to another provider where that is proved to be safe. */
function failsOver(route: string, from: string, to: string): RuleChange[] {
  return [
    { path: ['routes', route, 'provider'] },
    {
      path: ['routes', route, 'providers'],
      value: [
        { id: from, priority: 1 },
        { id: to, priority: 2 },
      ],
    },
  ];
}

export const polledProvider = 'opal';
/** The provider of the second protocol, and its route: orders that are asked about. */
const polled: readonly RuleChange[] = [
  {
    path: ['providers', polledProvider],
    value: {
      protocol: 'poll-statement',
      base_url: '\u0024{PROVIDER_OPAL_URL}',
      secret: '\u0024{PROVIDER_OPAL_SECRET}',
      connect_timeout_ms: 1_000,
      answer_timeout_ms: 2_000,
      acceptance_delay_max_ms: 1_000,
      poll_ladder_ms: [500, 1_000, 2_000, 4_000, 6_000],
    },
  },
  {
    path: ['routes', polledProvider],
    value: {
      mode: 'dispatched',
      provider: polledProvider,
      outcome_deadline_ms: 8_000,
      overdraft: true,
      retry_initial_ms: 200,
      retry_max_ms: 2_000,
      quiet_period_ms: 2_000,
      inquiry_ladder_ms: [0, 2_000, 4_000, 8_000, 12_000],
    },
  },
];

/**
 * The stack that the drill runs on. Failures are planned, none comes by chance; the provider that executes later than
 * it promised promises nothing in these rules, so that its silence proves nothing and none of its slips goes elsewhere.
 */
export const providersStack: Pick<StackOptions, 'profile' | 'policies' | 'rules' | 'behaviour'> = {
  profile: 'stack',
  policies: { outcome_deadline_ms: 12_000 },
  rules: [
    { path: ['providers', lateProvider, 'acceptance_delay_max_ms'] },
    ...failsOver('default', 'acme', 'borealis'),
    ...failsOver('borealis', 'borealis', 'acme'),
    ...failsOver(lateProvider, lateProvider, 'cumulus'),
    ...polled,
    // What nobody approves never meets a provider.
    { path: ['routes', 'payouts', 'review'] },
  ],
  behaviour: { failure_rate: 0 },
};

/** Boots a stack of its own. */
export async function drillProviders(options: ProvidersOptions, log: Log): Promise<ProvidersResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  try {
    const stack = await startStack({
      ...providersStack,
      dataDir,
      // A slow machine is not what is drilled.
      policies: { outcome_deadline_ms: 30_000 },
      log,
      removeOnCrash: [dataDir],
    });
    try {
      return await playProviders(stack, options, log);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Sends the slips of every seed through all providers with all faults at once, and judges them when they have ended. */
export async function playProviders(
  stack: Stack,
  options: ProvidersOptions,
  log: Log,
): Promise<ProvidersResult> {
  const start = new Date();
  await setFaults(stack, start, options.frozenMs);
  const routes = [dispatchedRoutes('stack').map(({ route }) => route), [polledProvider]] as const;
  const run = start.getTime().toString(36);
  const taken = await Promise.all(
    options.seeds.map(async (seed) => ({
      seed,
      payments: await submitAll(planPayments({ run, seed, slips: options.slips, routes }), stack),
    })),
  );
  log(`${options.slips} slips of each of ${options.seeds.length} seeds were taken`);
  const since = start.toISOString();
  const all = new Set(taken.flatMap(({ payments }) => payments.map(({ id }) => id)));
  // What has not ended by then is told below.
  await waitFor(async () => (await openSlips(stack, since, all)).length === 0, {
    timeoutMs: endTimeoutMs,
    intervalMs: pollMs,
    what: 'the end of every slip',
  }).catch((error: Error) => log(error.message));
  return agreed(stack, since, taken, options.settledShareMin, log);
}

interface Taken {
  readonly seed: number;
  readonly payments: readonly TakenPayment[];
}

/** Looks until everything is right: the last events may still be on their way. Then what is found stands. */
async function agreed(
  stack: Stack,
  since: string,
  taken: readonly Taken[],
  shareMin: number,
  log: Log,
): Promise<ProvidersResult> {
  const until = performance.now() + agreeTimeoutMs;
  for (;;) {
    const facts = await readFacts({ ...checkTarget(stack), since });
    const shown = await readSlips(stack.env.LEDGER_URL!, stack.env.TOKEN_OPS!, since);
    const { summary, sound, told } = checked(facts);
    const seeds = taken.map(({ seed, payments }) => ({
      seed,
      ...judge(payments, shown, facts, shareMin),
    }));
    const holds = sound && seeds.every((one) => one.holds);
    if (holds || performance.now() > until) {
      const references = new Map(shown.map(({ id, reference }) => [id, reference]));
      for (const { kind, about, why } of told.slice(0, examplesMax)) {
        log(`${kind} ${references.get(about) ?? about}: ${why}`);
      }
      for (const one of seeds) log(JSON.stringify(one));
      const payments = taken.flatMap((one) => one.payments);
      log(`not settled: ${unsettled(payments, shown).slice(0, kindsMax).join('; ')}`);
      return { seeds, summary, holds };
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
