import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import type { Summary } from '@slipstream/checker';
import { type Stack, type StackOptions, startStack } from '@slipstream/local';

export const root = join(import.meta.dirname, '../..');

/** The demo's deadline: longer than a killed service needs on a busy machine to come back and ask about its calls. */
const policies = { outcome_deadline_ms: 12_000 };

export interface TestStack {
  readonly stack: Stack;
  readonly dataDir: string;
  stop(): Promise<void>;
}

/** Files of statements are the subject of few specs, and each stack would read the log once more for them. */
export async function bootStack({ rules = [], ...options }: Partial<StackOptions> = {}): Promise<TestStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-e2e-'));
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  const starting = startStack({
    dataDir,
    profile: 'stack',
    policies,
    log: (line) => console.error(line),
    removeOnCrash: [dataDir],
    rules: [{ path: ['statements'] }, ...rules],
    ...options,
  });
  const stack = await starting.catch((error) => {
    remove();
    throw error;
  });
  return { stack, dataDir, stop: () => stack.stop().finally(remove) };
}

/**
 * What every run must show, whatever was done to the services meanwhile. `openCasesMax`: of the feed's slips those that are for
 * people, its 47th and its 126th; one whose provider was not reached in time is none. A machine that is too slow to have a killed
 * service back before a deadline leaves more of them to people, and says that it was our own trouble: that judges no rule.
 */
export async function expectSound(
  stack: Stack,
  summary: Summary,
  slips: number,
  openCasesMax: number,
): Promise<void> {
  expect(summary).toMatchObject({
    ...{ slips, false_alarms: 0, missed: 0, lost_events: 0, ledger_balanced: true },
    ...{ executed_twice: 0, money_differs: 0, stuck: 0, verdict_differs: 0, parked: 0 },
  });
  const forPeople = (await openCases(stack)).filter(
    ({ reasons }) => !reasons.some(({ reason }) => reason === 'own_trouble'),
  );
  // Each of them is shown where there are too many.
  if (summary.open_cases > openCasesMax && forPeople.length > openCasesMax) expect(forPeople).toEqual([]);
  expect(summary.returned + summary.recovered + summary.not_returned + summary.rejected).toBe(slips);
}

interface Case {
  readonly reasons: readonly { readonly reason: string }[];
}

/** What people have to look at. */
async function openCases({ env }: Stack): Promise<Case[]> {
  const response = await fetch(`${env.RECONCILIATION_URL}/v1/cases?status=open&page_size=500`, {
    headers: { authorization: `Bearer ${env.TOKEN_OPS}` },
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { data: Case[] }).data;
}

/** Largest resident set so far of each service, in MiB; nothing where there is no /proc. @throws when one is not running */
export function peakMemory(stack: Stack): Record<string, number> {
  if (process.platform !== 'linux') return {};
  const services = stack.services.names().filter((name) => name !== 'provider-simulator');
  return Object.fromEntries(services.map((name) => [name, peakMiB(name, stack.services.pid(name))]));
}

function peakMiB(name: string, pid: number | undefined): number {
  const match = pid && /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (!match) throw new Error(`${name} is not running: nobody knows what memory it needs`);
  return Math.round(Number(match[1]) / 1024);
}

const run = promisify(execFile);

/** Runs slipctl as a user would; rejects with its output when it does not exit with 0. */
export async function slipctl(stack: Stack, args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(root, 'apps/slipctl/dist/main.js'), ...args], {
    cwd: root,
    env: { ...process.env, ...stack.env },
    timeout: 240_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}
