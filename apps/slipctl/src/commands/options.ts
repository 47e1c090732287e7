import { type Instant, nameProblem, parseInstant, wallClock } from '@slipstream/kernel';
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../duration.ts';
import type { Terminal } from '../output/terminal.ts';

/** What a command may touch besides its arguments. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
  print(text: string): void;
  exit(code: number): void;
}

export function timeOption(text: string): Instant {
  const instant = parseInstant(text);
  if (instant === null)
    throw new InvalidArgumentError('an RFC 3339 time is needed, like 2019-01-01T00:00:00Z');
  return instant;
}

function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('a duration is needed, like 90s, 10m or 2h');
  return ms;
}

/** `--timeout`, in milliseconds for the program and as people write it in the help. */
export function timeoutOption(description: string, byDefault: string): Option {
  const option = new Option('--timeout <duration>', description).argParser(durationOption);
  return option.default(durationOption(byDefault), byDefault);
}

export function nameOption(text: string): string {
  const problem = nameProblem(text);
  if (problem !== null) throw new InvalidArgumentError(`the name ${problem}`);
  return text;
}

/** The clock of an import. */
export function clockOption(text: string): string {
  if (text === wallClock)
    throw new InvalidArgumentError('the wall clock is the real time; an import needs its own');
  return nameOption(text);
}
