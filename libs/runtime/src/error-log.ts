import { Repeats } from '@slipstream/kernel';

/** Where errors are said: Nest's logger. */
export interface ErrorSink {
  error(message: string): void;
}

/** Says an error with its stack once, and while the same goes on coming only that it does, and how often. */
export function errorLog(
  sink: ErrorSink,
  nowMs: () => number = () => performance.now(),
): (error: unknown) => void {
  const repeats = new Repeats();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    const unsaid = repeats.note(message, nowMs());
    if (unsaid === null) return;
    if (unsaid > 0) sink.error(`${message} (and ${unsaid} times before, unsaid)`);
    else sink.error(error instanceof Error ? (error.stack ?? message) : message);
  };
}
