import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from '@slipstream/environment';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What a step gives: its counts, and what it said, which is shown when anything failed. */
export interface StepResult extends Counts {
  output: string;
}

export interface Step {
  name: string;
  run(stop: AbortSignal): Promise<StepResult>;
}

const STEP_TIMEOUT_MS = 20 * 60_000;
const OUTPUT_CHARACTERS_MAX = 200_000;

/** Runs every step, one after the other, whatever the others gave, with a line for each. */
export async function runSteps(steps: Step[], stop: AbortSignal): Promise<Counts> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const step of steps) {
    stop.throwIfAborted();
    const began = performance.now();
    const result = await step.run(stop).catch(failed);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    stop.throwIfAborted();
    const counts = result.passed + result.failed > 1 ? ` (${summary(result)})` : '';
    if (result.failed > 0) console.log(`${result.output.trim()}\n`);
    console.log(`${result.failed > 0 ? '✗' : '✓'} ${step.name}${counts} ${seconds} s`);
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += result[key];
  }
  return total;
}

/** The line that ends every test run: `N passed, N failed`, with `, N skipped` if there are any. */
export function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

export const passed = (): StepResult => ({ passed: 1, failed: 0, skipped: 0, output: '' });

export function failed(reason: unknown): StepResult {
  const output = reason instanceof Error ? reason.message : String(reason);
  return { passed: 0, failed: 1, skipped: 0, output };
}

/** Runs a program of node_modules/.bin (or any) in the checkout. */
export function execute(
  command: string,
  args: string[],
  stop: AbortSignal,
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const PATH = [join(repositoryRoot, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const child = spawn(command, args, {
    cwd: repositoryRoot,
    env: { ...process.env, ...env, PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([stop, AbortSignal.timeout(STEP_TIMEOUT_MS)]),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
    });
  }
  return new Promise((resolve) => {
    let why = '';
    child.once('error', (error) => {
      why = error.name === 'AbortError' ? `\n${command} was stopped: ${error.cause}` : `\n${error.message}`;
      if (child.pid === undefined) resolve({ code: 127, output: why });
    });
    child.once('close', (code) => resolve({ code: why ? 1 : (code ?? 1), output: output + why }));
  });
}
