import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CliError } from './exit.ts';
import { programFlags } from './heap.ts';
import { withTopicHint } from './topic-hint.ts';

/** What a service knows how to do is done by its own code, of the release that lies beside this program. */
const services = new URL('../../../services/', import.meta.url);

export interface ServiceProgram {
  /** Below the services' folder. */
  readonly path: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it is about, for people. */
  readonly what: string;
}

interface Line {
  readonly progress?: { readonly done: number; readonly total: number };
  readonly result?: unknown;
  readonly error?: string;
  readonly is_usage?: boolean;
}

/** @throws CliError with what the program says is wrong */
export async function runServiceProgram<Result>(
  { path, args, env = {}, what }: ServiceProgram,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Result> {
  const program = fileURLToPath(new URL(path, services));
  if (!existsSync(program)) throw new CliError('usage', `the program is not there: ${program}`);
  const child = spawn(process.execPath, [...programFlags, program, ...args], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  // Whoever ends this program ends what it started; whatever was begun there is rolled back.
  const stop = () => void child.kill();
  process.once('exit', stop);
  let last: Line = {};
  for await (const text of createInterface({ input: child.stdout })) {
    last = JSON.parse(text) as Line;
    if (last.progress) onProgress(last.progress.done, last.progress.total);
  }
  await ended;
  process.off('exit', stop);
  if (last.result !== undefined) return last.result as Result;
  const why = last.error ?? 'the program ended without a word';
  throw new CliError(last.is_usage ? 'usage' : 'unreachable', `${what}: ${withTopicHint(inOneLine(why))}`);
}

/** Problems stand below what they are of, a line each: one alone goes beside it. */
function inOneLine(why: string): string {
  const [what, problem, ...others] = why.split('\n  ');
  return problem === undefined || others.length > 0 ? why : `${what} ${problem}`;
}
