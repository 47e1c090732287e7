import type { Health } from './health.ts';

/**
 * Something that runs beside the HTTP API: a pool, a relay, a consumer.
 * `drain` finishes the work in hand and takes no more; `stop` gives everything back. Both may be called once only,
 * and only after `start` resolved.
 */
export interface Part {
  readonly name: string;
  start(): Promise<void>;
  drain?(): Promise<void>;
  stop(): Promise<void>;
  /** How it fares, where it has more to say than whether it runs. */
  health?(): Health;
}

/** Told about a part that failed while it was drained or stopped: the others are still stopped. */
export type PartFailure = (part: string, step: 'drain' | 'stop', error: unknown) => void;

/**
 * Starts the parts in order, one after the other, and returns those that run.
 * When one fails, those before it are stopped in reverse and its error is thrown.
 */
export async function startParts(parts: readonly Part[], onFailure: PartFailure): Promise<readonly Part[]> {
  const started: Part[] = [];
  for (const part of parts) {
    try {
      await part.start();
    } catch (error) {
      await stopParts(started, onFailure);
      throw new Error(`${part.name} did not start: ${messageOf(error)}`, { cause: error });
    }
    started.push(part);
  }
  return started;
}

/** Drains every part, then stops every part, each time in reverse order of start. Returns false when one failed. */
export async function stopParts(started: readonly Part[], onFailure: PartFailure): Promise<boolean> {
  const reversed = started.toReversed();
  let clean = true;
  for (const step of ['drain', 'stop'] as const) {
    for (const part of reversed) {
      try {
        await part[step]?.();
      } catch (error) {
        clean = false;
        onFailure(part.name, step, error);
      }
    }
  }
  return clean;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
