import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '@slipstream/environment';
import { addMs } from '@slipstream/kernel';
import { hasEnded, readSlips, type ShownSlip, type Stack, startStack, submitSlip } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { peakRssMiB } from '../benchmarks/measure.ts';
import { importArguments, numberOf, ordersFrom, type Verdict, writeOrders } from './orders-file.ts';

export interface ImportDrill {
  readonly rows: number;
  readonly seed: number;
  /** So many live slips come, evenly, all the time. */
  readonly livePerSecond: number;
}

/** What became of live slips that came in one part of the drill. */
export interface LiveSlips {
  readonly part: 'alone' | 'beside the import';
  readonly seconds: number;
  readonly slips: number;
  /** From submission to the provider's answer, in milliseconds. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** Called overdue: each answer comes at once, so each is one too many. */
  readonly overdue: number;
  /** Of those, called overdue though the answer was there. */
  readonly false_alarms: number;
  readonly unended: number;
  readonly holds: boolean;
}

export interface ImportDrilled extends ImportDrill {
  readonly import_s: number;
  readonly rows_per_second: number;
  /** The most that slipctl held. */
  readonly import_mib: number;
  /** Rows whose verdict is another than the row says, or that have none. */
  readonly wrong_verdicts: number;
  readonly live: readonly LiveSlips[];
  readonly ok: boolean;
}

type Log = (line: string) => void;

const aloneMs = 30_000;
/** Longer than a busy machine takes by itself: what is late then has waited for the import. */
const outcomeDeadlineMs = 45_000;
const endTimeoutMs = 120_000;
/** However many rows there are. */
const importMiBMax = 300;

/** Live slips through a stack, first alone and then beside an import: none may be late for it, and none of its verdicts wrong. */
export async function drillImport(drill: ImportDrill, log: Log): Promise<ImportDrilled> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  try {
    const stack = await startStack({
      ...{ dataDir, profile: 'stack', log, removeOnCrash: [dataDir] },
      ...{ behaviour: { failure_rate: 0 }, policies: { outcome_deadline_ms: outcomeDeadlineMs } },
    });
    try {
      return await play(stack, dataDir, drill, log);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function play(stack: Stack, folder: string, drill: ImportDrill, log: Log): Promise<ImportDrilled> {
  const at = (name: string) => join(folder, name);
  // In no order of time.
  const expected = await writeOrders(folder, drill, (_, random) =>
    addMs(ordersFrom, random.integer(0, 10_000_000) * 1_000),
  );
  const alone = await liveDuring(stack, 'alone', drill, () => sleep(aloneMs));
  log(`  ${JSON.stringify(alone)}`);
  let importS = 0;
  let importMiB = 0;
  const beside = await liveDuring(stack, 'beside the import', drill, async () => {
    const begun = performance.now();
    importMiB = await importFile(stack, folder, log);
    importS = (performance.now() - begun) / 1_000;
  });
  log(`  ${JSON.stringify(beside)}`);
  const wrong = await wrongVerdicts(at('verdicts.csv'), expected);
  const live = [alone, beside];
  return {
    ...drill,
    import_s: Math.round(importS),
    rows_per_second: Math.round(drill.rows / importS),
    ...{ import_mib: importMiB, wrong_verdicts: wrong, live },
    ok: wrong === 0 && importMiB <= importMiBMax && live.every(({ holds }) => holds),
  };
}

/** Lets live slips come until `work` is over, and looks what became of each. */
async function liveDuring(
  stack: Stack,
  part: LiveSlips['part'],
  { livePerSecond }: ImportDrill,
  work: () => Promise<void>,
): Promise<LiveSlips> {
  const since = new Date().toISOString();
  const begun = performance.now();
  let isOver = false;
  const working = work().finally(() => {
    isOver = true;
  });
  const submitted: Promise<string>[] = [];
  const target = { intakeUrl: stack.env.INTAKE_URL!, token: stack.env.TOKEN_PUBLISHER! };
  const signal = new AbortController().signal;
  const submitting = async () => {
    while (!isOver) {
      submitted.push(submitSlip(livePayment(part, submitted.length), target, signal));
      await sleep(Math.max(0, begun + (submitted.length * 1_000) / livePerSecond - performance.now()));
    }
    return new Set(await Promise.all(submitted));
  };
  const [ids] = await Promise.all([submitting(), working]);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  const read = async () => {
    const shown = await readSlips(stack.env.LEDGER_URL!, stack.env.TOKEN_OPS!, since);
    return (shown as Timed[]).filter(({ id }) => ids.has(id));
  };
  const areEnded = async () => (await read()).filter(hasEnded).length === ids.size;
  // What has not ended is judged as it is.
  await waitFor(areEnded, {
    ...{ timeoutMs: endTimeoutMs, intervalMs: 1_000, what: 'the end of every live slip' },
  }).catch(() => {});
  return judge(part, seconds, ids.size, await read());
}

interface Timed extends ShownSlip {
  readonly submitted_at: string;
}

function judge(part: LiveSlips['part'], seconds: number, slips: number, shown: readonly Timed[]): LiveSlips {
  const took = shown
    .flatMap(({ submitted_at, returned_at }) =>
      returned_at === null ? [] : [Date.parse(returned_at) - Date.parse(submitted_at)],
    )
    .sort((a, b) => a - b);
  const quantile = (share: number) => took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0;
  const overdue = shown.filter((slip) => slip.overdue);
  const falseAlarms = overdue.filter(
    ({ returned_at, deadline }) => returned_at !== null && deadline !== null && returned_at <= deadline,
  );
  const unended = slips - shown.filter(hasEnded).length;
  return {
    ...{ part, seconds, slips, p50_ms: quantile(0.5), p99_ms: quantile(0.99), max_ms: took.at(-1) ?? 0 },
    ...{ overdue: overdue.length, false_alarms: falseAlarms.length, unended },
    holds: slips > 0 && overdue.length === 0 && unended === 0,
  };
}

function livePayment(part: string, n: number) {
  return {
    ...{ reference: `${part.replaceAll(' ', '-')}-${n}`, account: `payer-${n % 100}` },
    kind: 'order' as const,
    ...{ counterparty: 'shop', amount: { amount: '1250', currency: 'EUR' }, route: 'default' },
  };
}

/** @returns the most that it held, in MiB */
async function importFile(stack: Stack, folder: string, log: Log): Promise<number> {
  const at = (name: string) => join(folder, name);
  const args = [
    ...importArguments(folder, 'drill'),
    ...['--wait', '--timeout', '6h', '--verdicts', at('verdicts.csv')],
  ];
  const child = spawn(process.execPath, [join(repositoryRoot, 'apps/slipctl/dist/main.js'), ...args], {
    env: { PATH: process.env.PATH ?? '', ...stack.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const told: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => told.push(chunk));
  let mib = 0;
  const looking = setInterval(() => {
    mib = Math.max(mib, peakRssMiB(child.pid!) || 0);
  }, 250);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(looking));
  if (code === 0) return mib;
  log(Buffer.concat(told).toString().slice(-2_000));
  throw new Error(`slipctl import exits with ${code}`);
}

async function wrongVerdicts(file: string, expected: readonly Verdict[]): Promise<number> {
  const right = new Set<string>();
  let others = 0;
  let isHead = true;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const [reference = '', verdict] = line.split(',');
    if (isHead || line === '') isHead = false;
    else if (expected[numberOf(reference)] === verdict) right.add(reference);
    else others += 1;
  }
  return others + expected.length - right.size;
}
