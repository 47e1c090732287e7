import { type Instant, instantFromMs, nameProblem, parseInstant, wallClock } from '@slipstream/kernel';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration, timerMsMax } from '../duration.ts';
import { CliError, errorJson, exitCodesHelp } from '../exit.ts';
import type { Terminal } from '../output/terminal.ts';
import { serviceNames, together } from '../services.ts';

/** What a command may touch besides its arguments. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
  print(text: string): void;
  /** Writes to standard output as it is, and waits until there is room again. */
  write(bytes: Uint8Array): Promise<void>;
  exit(code: number): void;
  /** From now on the first Ctrl-C, or a signal like it, aborts this instead of ending the program: it ends when it can. */
  interruptible(): AbortSignal;
  /** Tells that the arguments are wrong, in Commander's words. */
  refuse(text: string): void;
}

/** A time, or how long ago it was. */
export function timeOption(text: string): Instant {
  const agoMs = parseDuration(text);
  const sinceMs = agoMs === null ? null : Date.now() - agoMs;
  const instant = sinceMs === null ? parseInstant(text) : sinceMs < 0 ? null : instantFromMs(sinceMs);
  if (instant === null)
    throw new InvalidArgumentError(
      'an RFC 3339 time is needed, like 2019-01-01T00:00:00Z, or how long ago it was, like 10m',
    );
  return instant;
}

/** The wrong way round, they would find nothing and say that all is well. @throws CliError (usage) */
export function requireSpan({ from, to }: { from?: Instant; to?: Instant }): void {
  if (from !== undefined && to !== undefined && to < from)
    throw new CliError('usage', `--to is before --from: nothing lies between ${from} and ${to}`);
}

function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('a duration is needed, like 90s, 10m or 2h');
  if (ms > timerMsMax) throw new InvalidArgumentError('24d is the longest');
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

export function countOption(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('a whole number above zero is needed');
  return Number(text);
}

/** `key=value`, any number of times. */
export function keyValueOption(
  text: string,
  before: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('a pair is needed, like status=settled');
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

export function servicesOption(): Option {
  const option = new Option('--service <name...>', 'default: every one whose address is known');
  return option.choices([...serviceNames]);
}

/** What every command has that asks services one by one. */
export function withServiceOptions(command: Command, timeout: string, examples = ''): Command {
  return command
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait', timeout))
    .option('--json', "print the APIs' data")
    .addHelpText('after', examples + exitCodesHelp);
}

/** What of the examples of a group calls one of its commands, for that command's own help. */
export function examplesOf(help: string, command: string): string {
  const lines = help.split('\n').filter((line) => line.startsWith(`  slipctl ${command}`));
  return ['', 'Examples:', ...lines, ''].join('\n');
}

/** Beside what others answered: services that gave no answer are named, and the exit code says so. */
export function tell(
  failures: readonly CliError[],
  { terminal, exit }: Pick<CommandContext, 'terminal' | 'exit'>,
  { json }: { readonly json?: true },
): void {
  if (failures.length === 0) return;
  const { message, exitCode } = together(failures);
  terminal.say(json ? errorJson(message, exitCode) : `slipctl: ${message}`);
  exit(exitCode);
}
