import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import type { Limits } from './limits.ts';
import type { Timers } from './timers.ts';

export interface Callback {
  readonly slipId: string;
  readonly body: string;
  /** `whsec_…`; a forger's is another than the provider's. */
  readonly secret: string;
  /** Whether it is sent again until the receiver takes it. */
  readonly retried: boolean;
  /** Called with the time at which the receiver's 2xx arrived. */
  readonly delivered: (atMs: number) => void;
}

interface Job extends Callback {
  readonly webhookId: string;
}

export interface CallbackSenderOptions {
  readonly provider: string;
  readonly url: string;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly now: () => number;
}

/**
 * Sends one provider's callbacks as Standard Webhooks 1.0.0: in order per slip, slips beside each other up to
 * `callbacksInFlightMax`. Anything but a 2xx (a redirect too) is a failure and retried under the same webhook-id;
 * a slip that waits for its retry takes no sending slot.
 */
export class CallbackSender {
  readonly #options: CallbackSenderOptions;
  readonly #agent: Agent;
  readonly #lanes = new Map<string, Job[]>();
  readonly #waiting = new Set<() => void>();
  readonly #inFlight = new Set<Promise<unknown>>();
  #busySlots = 0;
  #queued = 0;

  constructor(options: CallbackSenderOptions) {
    this.#options = options;
    const { callbackTimeoutMs, callbacksInFlightMax } = options.limits;
    this.#agent = new Agent({ connections: callbacksInFlightMax, connect: { timeout: callbackTimeoutMs } });
  }

  send(callback: Callback): void {
    const { timers, limits, provider } = this.#options;
    if (timers.stopped) return;
    if (this.#queued >= limits.callbacksQueuedMax) {
      console.error(`${provider}: ${this.#queued} callbacks wait, the one for ${callback.slipId} is lost`);
      return;
    }
    this.#queued += 1;
    const job: Job = { ...callback, webhookId: `msg_${randomUUID()}` };
    const lane = this.#lanes.get(callback.slipId);
    if (lane) {
      lane.push(job);
      return;
    }
    this.#lanes.set(callback.slipId, [job]);
    void this.#run(callback.slipId);
  }

  /** Lets the sends in flight finish, for at most `drainMsMax`, and starts no other. */
  async stop(): Promise<void> {
    const { drainMsMax } = this.#options.limits;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, drainMsMax);
    });
    await Promise.race([Promise.allSettled([...this.#inFlight]), patience]);
    clearTimeout(timer);
    await this.#agent.destroy();
  }

  async #run(slipId: string): Promise<void> {
    const lane = this.#lanes.get(slipId) ?? [];
    for (let job = lane[0]; job; job = lane[0]) {
      await this.#deliver(job);
      lane.shift();
      this.#queued -= 1;
    }
    this.#lanes.delete(slipId);
  }

  async #deliver(job: Job): Promise<void> {
    const { limits, timers, now } = this.#options;
    const giveUpAtMs = now() + limits.callbackRetryForMs;
    let delayMs = limits.callbackRetryDelayMsMin;
    while (!timers.stopped) {
      if (await this.#inSlot(() => this.#attempt(job))) return;
      if (!job.retried || now() + delayMs > giveUpAtMs) return;
      await timers.sleep(delayMs);
      delayMs = Math.min(delayMs * 2, limits.callbackRetryDelayMsMax);
    }
  }

  async #inSlot(task: () => Promise<boolean>): Promise<boolean> {
    if (this.#busySlots >= this.#options.limits.callbacksInFlightMax) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    } else {
      this.#busySlots += 1;
    }
    const running = this.#options.timers.stopped ? Promise.resolve(false) : task();
    this.#inFlight.add(running);
    const result = await running;
    this.#inFlight.delete(running);
    this.#releaseSlot();
    return result;
  }

  /** Hands the slot to the longest waiting, or frees it. */
  #releaseSlot(): void {
    const next = this.#waiting.values().next().value;
    if (next === undefined) {
      this.#busySlots -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  /** One try; never throws. */
  async #attempt(job: Job): Promise<boolean> {
    const { url, limits, now } = this.#options;
    try {
      const response = await request(url, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(limits.callbackTimeoutMs),
        headers: { 'content-type': 'application/json', ...sign(job, new Date(now())) },
        body: job.body,
      });
      const arrivedAtMs = now();
      const taken = response.statusCode >= 200 && response.statusCode < 300;
      if (taken) job.delivered(arrivedAtMs);
      await response.body.dump().catch(() => {});
      return taken;
    } catch {
      return false;
    }
  }
}

function sign(job: Job, at: Date): Record<string, string> {
  return {
    'webhook-id': job.webhookId,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(job.secret).sign(job.webhookId, at, job.body),
  };
}
