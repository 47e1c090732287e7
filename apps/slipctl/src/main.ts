import { once } from 'node:events';
import { constants } from 'node:os';
import { CommanderError } from 'commander';
import { CliError, errorJson, exitCodes, messageOf } from './exit.ts';
import { keepHeapSmall } from './heap.ts';
import { Terminal } from './output/terminal.ts';
import { visible } from './output/visible.ts';
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
const nowMs = () => performance.now();
const terminal = new Terminal(process.stderr, nowMs);
const isJson = process.argv.includes('--json');
const isDebug = process.argv.includes('--debug');
process.on('exit', () => terminal.restore());

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `slipctl … | head` has read enough.
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  process.exit(codeOf(new CliError('bad', `standard output cannot be written: ${error.message}`)));
});
// Where nobody hears what is said, the answer and the exit code are all the same.
process.stderr.on('error', () => {});
// Thrown by what nobody waits for, a client's own timers: told as any other mistake.
process.on('uncaughtException', (error) => process.exit(codeOf(error)));

try {
  await buildProgram({
    terminal,
    nowMs,
    print: (text) => console.log(visible(text)),
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
      else process.stderr.write(visible(text));
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
    if (isDebug && error.stack) terminal.say(error.stack);
    return error.exitCode;
  }
  const { stack } = error as { stack?: string };
  if (isDebug && stack) terminal.say(stack);
  else if (!isJson) terminal.say('this is a mistake of slipctl: --debug shows where it is');
  return exitCodes.bad;
}

function sayJson(error: string, exitCode: number): void {
  terminal.say(errorJson(error, exitCode));
}
