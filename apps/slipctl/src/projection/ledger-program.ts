import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CliError } from '../exit.ts';

/** What the ledger folds is folded by the ledger's own code, of the release that lies beside this program. */
const program = fileURLToPath(new URL('../../../../services/ledger/dist/rebuild/main.js', import.meta.url));

export interface Difference {
  readonly row: string;
  readonly field: string;
  readonly live: string | null;
  readonly rebuilt: string | null;
}

export interface Rebuilt {
  readonly name: string;
  readonly slips: number;
  readonly differences: readonly Difference[];
  /** After a swap: none, or it was for nothing. */
  readonly left: readonly Difference[];
  readonly schema: string | null;
}

export interface Listed {
  readonly name: string;
  readonly what: string;
  readonly shadow: string | null;
}

interface Line {
  readonly progress?: { readonly done: number; readonly total: number };
  readonly result?: unknown;
  readonly error?: string;
  readonly is_usage?: boolean;
}

/** @throws CliError with what the program says is wrong */
export async function runLedgerProgram<Result>(
  args: readonly string[],
  databaseUrl: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Result> {
  if (!existsSync(program)) throw new CliError('usage', `the ledger's program is not there: ${program}`);
  const child = spawn(process.execPath, [program, ...args], {
    env: { DATABASE_URL: databaseUrl },
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
  const why = last.error ?? 'the program that rebuilds ended without a word';
  throw new CliError(last.is_usage ? 'usage' : 'unreachable', `the ledger's projections: ${why}`);
}
