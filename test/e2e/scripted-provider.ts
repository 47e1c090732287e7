import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '@slipstream/testing';

export const secret = `whsec_${Buffer.alloc(32, 'scripted').toString('base64')}`;

/** What the provider is asked, and how it can answer. */
export interface Asked {
  readonly slipId: string;
  readonly reference: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Answers with JSON. */
  say(status: number, body: object): void;
}

/** What the provider does about slips of one case; without it a POST is acknowledged, and a question told `pending`. */
export interface Script {
  readonly post?: (asked: Asked) => void | Promise<void>;
  readonly get?: (asked: Asked) => void | Promise<void>;
}

export interface CallbackOptions {
  readonly id?: string;
  readonly at?: Date;
}

/** A provider whose every word the spec decides. */
export class ScriptedProvider {
  readonly #server: Server;
  readonly #scripts = new Map<string, Script>();
  readonly #references = new Map<string, string>();
  readonly #posts = new Map<string, number>();
  readonly #questions = new Map<string, number>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ScriptedProvider> {
    const server = createServer();
    const provider = new ScriptedProvider(server);
    server.on('request', (request, response) => void provider.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How often a slip was submitted here. */
  calls(slipId: string): number {
    return this.#posts.get(slipId) ?? 0;
  }

  /** How often it was asked about a slip. */
  questions(slipId: string): number {
    return this.#questions.get(slipId) ?? 0;
  }

  /** @param reference of the slips that the script is for */
  script(reference: string, script: Script): void {
    this.#scripts.set(reference, script);
  }

  received(slipId: string): Promise<true> {
    return waitFor(() => (this.calls(slipId) > 0 ? true : null), { what: `the provider to get ${slipId}` });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const isPost = request.method === 'POST';
    const slipId = isPost ? JSON.parse(body).slip_id : decodeURIComponent(request.url!.split('/').at(-1)!);
    if (isPost) this.#references.set(slipId, JSON.parse(body).reference);
    const reference = this.#references.get(slipId) ?? '';
    const counted = isPost ? this.#posts : this.#questions;
    counted.set(slipId, (counted.get(slipId) ?? 0) + 1);
    const say = (status: number, answer: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    };
    const script = this.#scripts.get(reference)?.[isPost ? 'post' : 'get'];
    if (script) await script({ slipId, reference, request, response, say });
    else say(isPost ? 202 : 200, { status: 'pending' });
  }
}

/** Sends a callback signed as Standard Webhooks 1.0.0 says. @returns the status of the answer */
export async function callBack(
  gatewayUrl: string,
  provider: string,
  data: object,
  { id = `msg_${randomUUID()}`, at = new Date() }: CallbackOptions = {},
): Promise<number> {
  const body = JSON.stringify({ type: 'slip.updated', timestamp: at.toISOString(), data });
  const seconds = Math.floor(at.getTime() / 1_000);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  const answer = await fetch(`${gatewayUrl}/v1/callbacks/${provider}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${signature}`,
    },
    body,
  });
  await answer.text();
  return answer.status;
}
