import { type Log, SendFailed } from '@slipstream/kafka';
import { backoffMs, isSlipstreamError } from '@slipstream/kernel';
import type { PreparedCommand } from './prepared.ts';

/** A table of the caller's own, written in the transaction that the commands belong to. */
export interface Outbox {
  /** The oldest that were not sent, at most `countMax`, in the order in which they were written. */
  unsent(countMax: number): Promise<readonly PreparedCommand[]>;
  /** These are durable, and go: they are deleted or marked. Should they come again, they are sent again and change nothing. */
  sent(ids: readonly string[]): Promise<void>;
}

export interface OutboxRelay {
  /** Looks now: something was committed. Without it, it is found within `idleMs`. */
  wake(): void;
  /** Resolves when what was being sent has ended. */
  stop(): Promise<void>;
}

export interface OutboxOptions {
  readonly send: (commands: readonly PreparedCommand[]) => Promise<void>;
  readonly log: Log;
  /** How long it waits where there was nothing. */
  readonly idleMs?: number;
  readonly retryLimits?: { readonly minMs: number; readonly maxMs: number };
}

const countMax = 1_000;

/** Sends what an outbox holds, in order and for as long as it runs. What cannot be sent stays, and keeps its place. */
export function startOutboxRelay(outbox: Outbox, options: OutboxOptions): OutboxRelay {
  const { send, log, idleMs = 500, retryLimits = { minMs: 500, maxMs: 10_000 } } = options;
  const rest = new Rest();
  let isStopping = false;

  async function relayOnce(): Promise<number> {
    const commands = await outbox.unsent(countMax);
    if (commands.length === 0) return 0;
    await send(commands);
    await outbox.sent(commands.map(({ id }) => id));
    return commands.length;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !isStopping; ) {
      try {
        const count = await relayOnce();
        failures = 0;
        if (count === 0) await rest.wait(idleMs);
      } catch (error) {
        failures++;
        const text = error instanceof Error ? error.message : String(error);
        const isFinal = isSlipstreamError(error) || (error instanceof SendFailed && !error.retryable);
        log[isFinal ? 'error' : 'warn']('what the outbox holds is sent later', { failures, error: text });
        await rest.wait(backoffMs(failures, retryLimits, Math.random()));
      }
    }
  }

  const ended = run();
  return {
    wake: () => rest.end(),
    async stop() {
      isStopping = true;
      rest.end();
      await ended;
    },
  };
}

/** A wait that can be ended; ended before it begins, it does not begin. */
class Rest {
  #end: (() => void) | null = null;
  #isOver = false;

  async wait(ms: number): Promise<void> {
    if (!this.#isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#end = null;
    this.#isOver = false;
  }

  end(): void {
    this.#isOver = true;
    this.#end?.();
  }
}
