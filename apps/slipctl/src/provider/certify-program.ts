import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CliError } from '../exit.ts';

/** A provider is spoken to by the gateway's own code, of the release that lies beside this program. */
const program = fileURLToPath(
  new URL('../../../../services/provider-gateway/dist/certify/main.js', import.meta.url),
);

export interface Check {
  readonly check: string;
  readonly verdict: 'kept' | 'broken' | 'lacks' | 'not_shown';
  readonly detail: string;
}

export interface Certified {
  readonly report: {
    readonly checks: readonly Check[];
    readonly capabilities: Readonly<Record<string, unknown>>;
    readonly exchanges: number;
  };
  /** null: no key was given. */
  readonly signed: string | null;
  /** NDJSON: an exchange a line. */
  readonly tape: string;
}

interface Line {
  readonly check?: Check;
  readonly result?: Certified;
  readonly error?: string;
  readonly is_usage?: boolean;
}

/** @throws CliError with what the program says is wrong */
export async function runCertifyProgram(
  settings: object,
  secrets: Readonly<Record<string, string>>,
  onCheck: (check: Check) => void,
): Promise<Certified> {
  if (!existsSync(program)) throw new CliError('usage', `the gateway's program is not there: ${program}`);
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], {
    env: secrets,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const stop = () => void child.kill();
  process.once('exit', stop);
  let last: Line = {};
  for await (const text of createInterface({ input: child.stdout })) {
    last = JSON.parse(text) as Line;
    if (last.check) onCheck(last.check);
  }
  await ended;
  process.off('exit', stop);
  if (last.result) return last.result;
  const why = last.error ?? 'the program that asks the sandbox ended without a word';
  throw new CliError(last.is_usage ? 'usage' : 'unreachable', `the provider's sandbox: ${why}`);
}
