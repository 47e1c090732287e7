import { type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SlipstreamError } from '@slipstream/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** How many requests each client may send to one instance within a window. */
export interface ClientQuota {
  readonly requestsMax: number;
  readonly windowMs: number;
}

/** What a client has left after a request. */
export interface Allowance {
  readonly isAllowed: boolean;
  /** Whole requests that it may send at once. */
  readonly remaining: number;
  /** Until it has all of them again, or, when refused, until it may send one. */
  readonly waitMs: number;
}

/** Clients that are remembered; who comes back after so many others begins with a full quota. */
const clientsMax = 10_000;

/** What many small fillings may lack of a whole request. */
const rounding = 1e-6;

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * A bucket for each client, which fills evenly: whoever was quiet may send its whole quota at once, and over a longer time nobody
 * more than the quota per window.
 */
export class ClientQuotas {
  readonly #quota: ClientQuota;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(quota: ClientQuota, nowMs: () => number = () => performance.now()) {
    this.#quota = quota;
    this.#nowMs = nowMs;
  }

  take(client: string): Allowance {
    const { requestsMax, windowMs } = this.#quota;
    const msEach = windowMs / requestsMax;
    const now = this.#nowMs();
    const before = this.#buckets.get(client) ?? { left: requestsMax, atMs: now };
    const left = Math.min(requestsMax, before.left + (now - before.atMs) / msEach);
    const isAllowed = left >= 1 - rounding;
    const after = isAllowed ? Math.max(0, left - 1) : left;
    this.#remember(client, { left: after, atMs: now });
    const missing = isAllowed ? requestsMax - after : 1 - after;
    return { isAllowed, remaining: Math.floor(after), waitMs: missing * msEach };
  }

  /** Last seen last: the first has been quiet longest. */
  #remember(client: string, bucket: Bucket): void {
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size <= clientsMax) return;
    const [quietest] = this.#buckets.keys();
    this.#buckets.delete(quietest!);
  }
}

/**
 * Refuses clients above their quota with 429, and tells all of them how they stand (draft-ietf-httpapi-ratelimit-headers).
 * Behind the guard that knows the caller; routes that are open to everybody are not counted.
 */
export class ClientQuotaGuard implements CanActivate {
  readonly #quotas: ClientQuotas;
  readonly #policy: string;

  constructor(quota: ClientQuota) {
    this.#quotas = new ClientQuotas(quota);
    this.#policy = `"client";q=${quota.requestsMax};w=${seconds(quota.windowMs)}`;
  }

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { caller } = http.getRequest<FastifyRequest>();
    if (!caller) return true;
    const { isAllowed, remaining, waitMs } = this.#quotas.take(caller.subject);
    const reply = http.getResponse<FastifyReply>();
    reply.header('ratelimit-policy', this.#policy);
    reply.header('ratelimit', `"client";r=${remaining};t=${seconds(waitMs)}`);
    if (isAllowed) return true;
    throw new SlipstreamError('rate_limited', 'You send more requests than you may.', {
      retryAfterS: seconds(waitMs),
    });
  }
}

/** Whole ones, never fewer than it takes. */
function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
