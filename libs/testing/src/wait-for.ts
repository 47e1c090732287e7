export interface WaitOptions {
  /** Ends a hang and judges no speed: default 90,000, longer than a busy machine needs, less than a spec may take. */
  timeoutMs?: number;
  /** Completes "waited … for". */
  what: string;
  /** Default 25. */
  intervalMs?: number;
}

/**
 * Asks `condition` until it gives something truthy, and returns that. An error it throws counts as "not yet".
 * @throws Error naming `what`, with the last error as cause, after `timeoutMs`
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 90_000, what, intervalMs = 25 }: WaitOptions,
): Promise<NonNullable<T>> {
  const until = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const result = await condition();
      if (result) return result;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= until) {
      const detail = cause === undefined ? '' : `: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new Error(`waited ${timeoutMs} ms for ${what}${detail}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
