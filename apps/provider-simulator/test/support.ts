import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import { type ProviderInput, type RuleInput, type SimulatorOptions, startSimulator } from '../src/index.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 'acme').toString('base64')}`;

export interface Received {
  readonly id: string;
  /** Whether the provider's secret signed it. */
  readonly genuine: boolean;
  readonly status: string;
  readonly data: Record<string, unknown>;
}

/** A callback receiver that refuses forged ones and answers the n-th request (from 0) with `status(n)`. */
export class Receiver {
  readonly received: Received[] = [];
  status: (n: number) => number = () => 200;
  /** Takes requests and never answers. */
  hang = false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', async (incoming, response) => {
      let body = '';
      for await (const chunk of incoming) body += chunk;
      const headers = incoming.headers as Record<string, string>;
      const { data } = JSON.parse(body);
      const genuine = verifies(body, headers);
      const n = receiver.received.length;
      receiver.received.push({ id: headers['webhook-id'] ?? '', genuine, status: data.status, data });
      if (!receiver.hang) response.writeHead(genuine ? receiver.status(n) : 401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/callbacks`;
  }

  statuses(slipId: string): string[] {
    return this.received.filter((one) => one.data.slip_id === slipId).map((one) => one.status);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function verifies(body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(SECRET).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

export interface TruthRow {
  slip_id: string;
  reference: string;
  provider: string;
  received_at: string;
  executions: number;
  outcome: string | null;
  answers: { at: string; what: string; outcome: string; delivered_at: string | null }[];
}

export interface Answered {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds
  readonly json: any;
}

/** A simulator with a receiver and short delays: `acme` is async, `bolt` sync. */
export class World {
  readonly receiver: Receiver;
  readonly agent = new Agent();
  readonly simulator: Awaited<ReturnType<typeof startSimulator>>;

  private constructor(receiver: Receiver, simulator: Awaited<ReturnType<typeof startSimulator>>) {
    this.receiver = receiver;
    this.simulator = simulator;
  }

  static async start(
    options: Partial<SimulatorOptions> = {},
    provider: Partial<ProviderInput> = {},
  ): Promise<World> {
    const receiver = await Receiver.start();
    const shared = { secret: SECRET, callback_url: receiver.url, latency_ms: [0, 2], answer_ms: [5, 20] };
    const providers = [
      { ...shared, id: 'acme', mode: 'async', ...provider },
      { ...shared, id: 'bolt', mode: 'sync', ...provider },
    ] as ProviderInput[];
    try {
      return new World(receiver, await startSimulator({ providers, seed: 7, ...options }));
    } catch (error) {
      await receiver.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.simulator.stop();
    await this.receiver.stop();
    await this.agent.destroy();
  }

  async call(
    url: string,
    method = 'GET',
    body?: unknown,
    timeoutMs = 5000,
    headers: Record<string, string> = {},
  ): Promise<Answered> {
    const response = await request(url, {
      method: method as 'GET',
      dispatcher: this.agent,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined
        ? { headers }
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }),
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, text, json: parsed(text) };
  }

  admin(path: string, method = 'GET', body?: unknown): Promise<Answered> {
    return this.call(`${this.simulator.admin}${path}`, method, body);
  }

  async rules(...rules: RuleInput[]): Promise<void> {
    const answer = await this.admin('/v1/rules', 'PUT', rules);
    if (answer.status !== 200) throw new Error(answer.text);
  }

  submit(slipId: string, provider = 'acme', more: object = {}, timeoutMs = 5000): Promise<Answered> {
    const url = `${this.simulator.providers[provider]}/slips`;
    return this.call(url, 'POST', { ...submission(slipId), ...more }, timeoutMs);
  }

  inquire(slipId: string, provider = 'acme'): Promise<Answered> {
    return this.call(`${this.simulator.providers[provider]}/slips/${slipId}`);
  }

  async truth(): Promise<TruthRow[]> {
    return (await this.admin('/v1/truth')).json.data;
  }

  async truthOf(slipId: string): Promise<TruthRow> {
    const row = (await this.truth()).find((one) => one.slip_id === slipId);
    if (!row) throw new Error(`no truth about ${slipId}`);
    return row;
  }

  /** Waits until the slip's outcome is known to the provider. */
  final(slipId: string): Promise<TruthRow> {
    return eventually(
      () => this.truthOf(slipId),
      (row) => row.outcome !== null,
    );
  }
}

/** What `POST /slips` takes. */
export function submission(slipId: string) {
  return {
    slip_id: slipId,
    reference: `ref-${slipId}`,
    kind: 'order',
    account: 'cust-42',
    counterparty: 'shop-7',
    amount: { amount: '1250', currency: 'EUR' },
    attempt: 1,
  };
}

/** Polls until the value holds; after 8 s fails with the last value. */
export async function eventually<T>(read: () => T | Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const endMs = Date.now() + 8000;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > endMs) throw new Error(`never held; last: ${JSON.stringify(value)}`);
    await sleep(5);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
