import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute, failed, type Step, type StepResult } from './steps.ts';

/** The fields used of what jest writes with `--json`. */
interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** Files that could not be run at all; their tests are in no other count. */
  numRuntimeErrorTestSuites: number;
}

export interface Tier {
  name: string;
  /** A regular expression over file paths. */
  files: string;
  args?: string[];
  env?: Record<string, string>;
}

/** One jest run; an empty tier is a failure, because a pattern that matches nothing would pass for ever. */
export function jestTier(tier: Tier): Step {
  return {
    name: tier.name,
    async run(stop) {
      const folder = mkdtempSync(join(tmpdir(), 'slipstream-jest-'));
      const report = join(folder, 'report.json');
      const jest = [
        '--experimental-vm-modules',
        '--disable-warning=ExperimentalWarning',
        'node_modules/jest/bin/jest.js',
      ];
      const args = [
        '--json',
        `--outputFile=${report}`,
        '--testPathPatterns',
        tier.files,
        ...(tier.args ?? []),
      ];
      try {
        const { code, output } = await execute(process.execPath, [...jest, ...args], stop, tier.env);
        return result(code, output, read(report));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function read(report: string): JestReport | undefined {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  } catch {
    return undefined; // jest ended before it could write one
  }
}

function result(code: number, output: string, report: JestReport | undefined): StepResult {
  if (!report) return failed(output);
  const failedCount = report.numFailedTests + report.numRuntimeErrorTestSuites;
  return {
    passed: report.numPassedTests,
    failed: code !== 0 && failedCount === 0 ? 1 : failedCount,
    skipped: report.numPendingTests + report.numTodoTests,
    output,
  };
}
