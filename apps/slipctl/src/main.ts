import { constants } from 'node:os';
import { CommanderError } from 'commander';
import { CliError, exitCodes, messageOf } from './exit.ts';
import { Terminal } from './output/terminal.ts';
import { buildProgram } from './program.ts';

// Leaving by process.exit runs the removal of temporary files.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
// `slipctl … | head` has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const nowMs = () => performance.now();
const terminal = new Terminal(process.stderr, nowMs);

try {
  await buildProgram({
    terminal,
    nowMs,
    print: (text) => console.log(text),
    exit(code) {
      process.exitCode = code;
    },
  }).parseAsync();
} catch (error) {
  process.exitCode = codeOf(error);
}

function codeOf(error: unknown): number {
  // Commander has printed its own message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  terminal.say(`slipctl: ${messageOf(error)}`);
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof Error && error.stack) terminal.say(error.stack);
  return exitCodes.bad;
}
