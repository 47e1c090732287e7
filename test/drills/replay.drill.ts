import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot } from '@slipstream/environment';
import { addMs, instantFromMs } from '@slipstream/kernel';
import { startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { importArguments, ordersFrom, referenceOf, writeOrders } from './orders-file.ts';

export interface ReplayDrill {
  /** How many events the log has at least. */
  readonly events: number;
  readonly seed: number;
}

/** One command of slipctl on the full log. */
export interface Tried {
  readonly command: string;
  readonly seconds: number;
  /** Records of the log in a second; null: it does not read the log. */
  readonly per_second: number | null;
  /** The most that one process held, of it and of those that it started. */
  readonly mib: number;
  readonly holds: boolean;
}

export interface ReplayDrilled extends ReplayDrill {
  readonly slips: number;
  readonly records: number;
  readonly tried: readonly Tried[];
  readonly ok: boolean;
}

type Log = (line: string) => void;

/** What the commands of an SRE may hold, however long the log is. */
const mibMax = 300;
/** What somebody who waits for it calls "at once", on a machine that does much else. */
const atOnceSeconds = 5;
/** A command that says nothing new for so long stands still. How long all of it takes is for the machine and the log to say. */
const standstillMs = 600_000;
/** The replay that is interrupted takes so long at least, however short the log is: it must not be over before. */
const interruptedMs = 30_000;
/** What was said so long ago is on the topic. */
const saidByMs = 10_000;
const eventsOfSlip = 5;
const clock = 'drill';
/** What a stack runs by when it is told nothing else. */
const rules = join(repositoryRoot, 'deploy/local/slipstream.config.yaml');

/** Fills a stack by an import, and does with its log what an SRE does. */
export async function drillReplay(drill: ReplayDrill, log: Log): Promise<ReplayDrilled> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  try {
    const stack = await startStack({ dataDir, profile: 'stack', log, removeOnCrash: [dataDir] });
    try {
      return await play(stack.env, dataDir, drill, log);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function play(env: Env, folder: string, drill: ReplayDrill, log: Log): Promise<ReplayDrilled> {
  const slips = Math.ceil(drill.events / eventsOfSlip);
  const at = (name: string) => join(folder, name);
  const call = (args: readonly string[], more: { interruptedAt?: () => boolean } = {}) =>
    slipctl(args, { ...env, SLIPSTREAM_CONFIG: rules }, more);
  const tried: Tried[] = [];
  const note = (command: string, ended: Ended, { records, holds }: { records?: number; holds: boolean }) => {
    const per_second = records === undefined ? null : Math.round(records / ended.seconds);
    const one = {
      command,
      seconds: ended.seconds,
      per_second,
      mib: ended.mib,
      holds: holds && ended.mib <= mibMax,
    };
    tried.push(one);
    log(`  ${JSON.stringify(one)}`);
    if (!holds) log(`  NOT SO: ${ended.stdout.slice(-500)} ${ended.stderr.slice(-500)}`);
  };

  await writeOrders(folder, { rows: slips, seed: drill.seed }, (n) => addMs(ordersFrom, n * 100));
  log(`  ${slips} slips are brought in`);
  const imported = await call([
    ...importArguments(folder, clock),
    // What stands still is ended sooner.
    ...['--wait', '--timeout', '48h', '--json'],
  ]);
  note('import', imported, { holds: imported.code === 0 });

  const preview = await call(['replay', '--preview', '--json']);
  const counted = JSON.parse(preview.stdout || '{}') as { records?: number; slips?: number };
  const records = counted.records ?? 0;
  note('replay --preview', preview, { records, holds: records >= drill.events && counted.slips === slips });

  const told = await call(['timeline', referenceOf(slips >> 1), '--clock', clock]);
  note('timeline', told, { holds: told.code === 0 && told.seconds <= atOnceSeconds });

  // Services go on saying things about so many slips: both replays are of what was said by now.
  const past = ['replay', '--to', instantFromMs(Date.now() - saidByMs), '--json', '--out'];
  const whole = await call([...past, at('whole.ndjson')]);
  note('replay --out', whole, { records, holds: whole.code === 0 });
  const parts = at('parts.ndjson');
  const bytes = sizeOf(at('whole.ndjson'));
  const broken = await call([...past, parts, '--speed', await slowSpeed(at('whole.ndjson'))], {
    interruptedAt: () => sizeOf(parts) > bytes / 10,
  });
  const isBroken = existsSync(`${parts}.replay`) && sizeOf(parts) < bytes;
  note('replay --out, SIGINT', broken, { holds: broken.code === 130 && isBroken });
  const resumed = await call([...past, parts, '--resume']);
  const isSame = (await digestOf(parts)) === (await digestOf(at('whole.ndjson')));
  note('replay --out --resume', resumed, { holds: resumed.code === 0 && isSame });

  const verdicts = await call(['reconcile', 'diff', '--json', '--timeout', '60s']);
  note('reconcile diff', verdicts, { records, holds: verdicts.code === 0 });
  const lived = await call(['backtest', '--config', rules, '--clock', clock, '--json']);
  note('backtest', lived, { records, holds: lived.code === 0 && isUnchanged(lived.stdout) });
  const verified = await call(['verify', '--json']);
  note('verify', verified, { records, holds: verified.code === 0 });
  const rebuilt = await call(['projection', 'rebuild', 'slips', '--drop', '--json']);
  note('projection rebuild slips', rebuilt, { records, holds: rebuilt.code === 0 });
  return { ...drill, slips, records, tried, ok: tried.every(({ holds }) => holds) };
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** So fast that what was replayed into the file takes a while, by the times of its first and its last line. */
async function slowSpeed(file: string): Promise<string> {
  let [first, last] = [Number.NaN, Number.NaN];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    // Its time stands in any line, and the lines are many.
    const [, time = ''] = /"time":"([^"]*)"/.exec(line) ?? [];
    last = Date.parse(time);
    if (Number.isNaN(first)) first = last;
  }
  const times = Math.max((last - first) / interruptedMs, 0.001);
  return `${times.toFixed(3)}x`;
}

function isUnchanged(report: string): boolean {
  const { routes } = JSON.parse(report) as { routes: { was: object; would: object }[] };
  return routes.length > 0 && routes.every(({ was, would }) => JSON.stringify(was) === JSON.stringify(would));
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

type Env = Readonly<Record<string, string>>;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  readonly mib: number;
}

/** Runs it as people do, and looks at what it holds meanwhile. */
async function slipctl(
  args: readonly string[],
  env: Env,
  { interruptedAt }: { interruptedAt?: () => boolean },
): Promise<Ended> {
  const begun = performance.now();
  const child = spawn(process.execPath, [join(repositoryRoot, 'apps/slipctl/dist/main.js'), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  let mib = 0;
  let newsAt = performance.now();
  const looking = setInterval(() => {
    mib = Math.max(mib, heldBy(child.pid!));
    if (performance.now() - newsAt > standstillMs) child.kill('SIGKILL');
  }, 50);
  const [said, told]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  // Its progress, every few seconds; the same again is no news.
  child.stderr.on('data', (chunk: Buffer) => {
    if (!told.at(-1)?.equals(chunk)) newsAt = performance.now();
    told.push(chunk);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  try {
    if (interruptedAt !== undefined) {
      const timing = { timeoutMs: standstillMs, intervalMs: 5, what: `slipctl ${args[0]} to come some way` };
      await waitFor(() => child.exitCode !== null || interruptedAt(), timing);
      child.kill('SIGINT');
    }
    const code = await ended;
    const [stdout, stderr] = [said, told].map((chunks) => Buffer.concat(chunks).toString());
    return { code, stdout: stdout!, stderr: stderr!, seconds: (performance.now() - begun) / 1_000, mib };
  } finally {
    clearInterval(looking);
    child.kill();
  }
}

/** The most resident memory of a process and of those that it started, in MiB; 0 where there is no /proc. */
function heldBy(pid: number): number {
  try {
    const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return Math.max(Math.round(Number(kib ?? 0) / 1_024), ...children.map((one) => heldBy(Number(one))));
  } catch {
    return 0;
  }
}
