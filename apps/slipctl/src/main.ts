import { once } from 'node:events';
import { constants } from 'node:os';
import { CommanderError } from 'commander';
import { CliError, errorJson, exitCodes, messageOf } from './exit.ts';
import { keepHeapSmall } from './heap.ts';
import { Terminal } from './output/terminal.ts';
import { buildProgram } from './program.ts';

keepHeapSmall();

/** Of a command that ends by itself when it is interrupted. */
let interrupt: AbortController | null = null;
// Leaving by process.exit runs the removal of temporary files.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    const code = 128 + constants.signals[signal];
    if (interrupt === null || interrupt.signal.aborted) process.exit(code);
    process.exitCode = code;
    interrupt.abort();
  });
}
// `slipctl … | head` has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const nowMs = () => performance.now();
const terminal = new Terminal(process.stderr, nowMs);
const isJson = process.argv.includes('--json');

try {
  await buildProgram({
    terminal,
    nowMs,
    print: (text) => console.log(text),
    async write(bytes) {
      if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
    },
    exit(code) {
      process.exitCode = code;
    },
    interruptible() {
      interrupt ??= new AbortController();
      return interrupt.signal;
    },
    refuse(text) {
      if (isJson) sayJson(text.replace(/^error: /, '').trimEnd(), exitCodes.usage);
      else process.stderr.write(text);
    },
  }).parseAsync(process.argv.filter((argument) => argument !== '--debug'));
} catch (error) {
  process.exitCode = codeOf(error);
}

function codeOf(error: unknown): number {
  // `refuse` has told Commander's own message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const exitCode = error instanceof CliError ? error.exitCode : exitCodes.bad;
  if (isJson) sayJson(messageOf(error), exitCode);
  else terminal.say(`slipctl: ${messageOf(error)}`);
  if (error instanceof CliError) {
    if (process.argv.includes('--debug') && error.stack) terminal.say(error.stack);
    return error.exitCode;
  }
  const { stack } = error as { stack?: string };
  terminal.say(
    process.argv.includes('--debug') && stack
      ? stack
      : 'this is a mistake of slipctl: --debug shows where it is',
  );
  return exitCodes.bad;
}

function sayJson(error: string, exitCode: number): void {
  terminal.say(errorJson(error, exitCode));
}
