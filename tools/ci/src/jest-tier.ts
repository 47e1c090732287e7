import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { repositoryRoot } from '@slipstream/environment';
import { execute, failed, type Step, type StepResult } from './steps.ts';

/** The fields used of what jest writes with `--json`. */
export interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** Files that could not be run at all; their tests are in no other count. */
  numRuntimeErrorTestSuites: number;
  /** One for each file; `message` is empty when all is well, and tells of hooks too, which no count has. */
  testResults: { name: string; status: string; message: string }[];
}

const MESSAGE_CHARACTERS_MAX = 1_500;

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
    output: `${output.trim()}\n\n${failures(report)}`,
  };
}

/** What failed and why, by file: said once more behind everything else, where it is found. */
export function failures({ testResults }: JestReport): string {
  return testResults
    .filter(({ status }) => status === 'failed')
    .map(({ name, message }) => {
      const said = stripVTControlCharacters(message).trim();
      const shown =
        said.length > MESSAGE_CHARACTERS_MAX ? `${said.slice(0, MESSAGE_CHARACTERS_MAX)} […]` : said;
      return `✗ ${relative(repositoryRoot, name)}\n${shown}\n`;
    })
    .join('\n');
}
