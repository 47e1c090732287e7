import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What jest said about some specs. */
export interface SpecResult {
  readonly passed: number;
  /** Full names of the tests that failed, and files that could not be run. */
  readonly failed: readonly string[];
  /** It was stopped after the time limit. */
  readonly timedOut: boolean;
  readonly output: string;
}

/** The fields used of what jest writes with `--json`. */
interface JestReport {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const outputCharactersMax = 20_000;

/** Runs specs in `root`, one file at a time, and waits until all they started has ended. */
export async function runSpecs(
  root: string,
  specs: readonly string[],
  { timeLimitMs, stop }: { readonly timeLimitMs: number; readonly stop: AbortSignal },
): Promise<SpecResult> {
  const report = join(root, 'mutate-report.json');
  rmSync(report, { force: true });
  const limit = AbortSignal.timeout(timeLimitMs);
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--runInBand',
      '--json',
      `--outputFile=${report}`,
      '--runTestsByPath',
      ...specs,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter) },
      signal: AbortSignal.any([stop, limit]),
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-outputCharactersMax);
    });
  }
  child.once('error', () => {}); // the abort; the end says the rest
  await new Promise<void>((resolve) => child.once('close', () => resolve()));
  stop.throwIfAborted();
  const said = read(report);
  return {
    passed: said?.numPassedTests ?? 0,
    failed: said ? failures(said) : limit.aborted ? [] : ['jest ended without a report'],
    timedOut: limit.aborted && said === null,
    output,
  };
}

function read(report: string): JestReport | null {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  } catch {
    return null; // jest ended before it could write one
  }
}

function failures(report: JestReport): string[] {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((one) => one.status === 'failed').map((one) => one.fullName);
    if (failed.length > 0 || status !== 'failed') return failed;
    return [`${name} could not be run: ${message.split('\n')[0]}`];
  });
}
