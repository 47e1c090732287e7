import { constants } from 'node:os';

/** Thrown into a command's work by `interruptible` when Ctrl-C or SIGTERM came. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
  }
}

/** One Ctrl-C arrives up to three times: from the terminal, from npm and from the bootstrap. */
const ONE_CTRL_C_MS = 1_000;

/**
 * Runs a command and ends the process with its exit code. The first Ctrl-C, SIGTERM or hang-up aborts `stop`, and the
 * command stops what it started; a second one, later, ends at once (the watchdogs then stop the rest).
 */
export async function runCommand(work: (stop: AbortSignal) => Promise<number>): Promise<never> {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const interrupt = (signal: NodeJS.Signals) => {
    if (firstAt !== undefined && performance.now() - firstAt > ONE_CTRL_C_MS)
      process.exit(exitCodeOf(signal));
    firstAt ??= performance.now();
    controller.abort(new Interrupted(signal));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal));
  // The bootstrap keeps a channel open: it closes when the bootstrap was killed.
  process.once('disconnect', () => interrupt('SIGTERM'));
  process.channel?.unref();
  try {
    return process.exit(await work(controller.signal));
  } catch (error) {
    if (error instanceof Interrupted) return process.exit(exitCodeOf(error.signal));
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    return process.exit(1);
  }
}

/** Rejects with `Interrupted` as soon as `stop` is aborted, even if `work` goes on. */
export async function interruptible<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  stop.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(stop.reason);
    stop.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop.removeEventListener('abort', onAbort);
  }
}

/** What a shell reports for a process that a signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
