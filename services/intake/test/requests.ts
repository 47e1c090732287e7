import { connect } from 'node:net';
import { expect } from '@jest/globals';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';

export const goodBody = {
  reference: 'ord-1001',
  kind: 'order',
  account: 'cust-42',
  counterparty: 'shop-7',
  amount: { amount: '1250', currency: 'EUR' },
  route: 'default',
  deadline: null,
  confirm: true,
  metadata: {},
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { code?: string; errors?: { pointer: string; detail: string }[] };
}

/** Calls a route; without a body it is a POST of nothing. */
export async function call(
  service: Pick<Service, 'url'>,
  token: string,
  path: string,
  body: object | undefined,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(90_000),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
}

/** Sends a body, as an object or as the very bytes, and reads the answer. */
export async function post(
  service: Pick<Service, 'url'>,
  token: string,
  body: object | string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const bytes =
    typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const answer = await fetch(`${service.url}/v1/slips`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: Uint8Array.from(bytes),
    signal: AbortSignal.timeout(90_000),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
}

/** Sends again under its key as long as the answer is 503, as a client does: a busy machine is no answer. */
export async function patiently(send: () => Promise<Answer>): Promise<Answer> {
  return waitFor(
    async () => {
      const answer = await send();
      return answer.status === 503 ? null : answer;
    },
    { what: 'an answer but 503', intervalMs: 100 },
  );
}

/** The answer is a problem of RFC 9457 with our code, and says nothing about our inside. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code, body: answer.body }).toMatchObject({
    status,
    code,
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    type: `urn:slipstream:error:${code}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    instance: expect.stringMatching(/^urn:uuid:/),
  });
  expect(JSON.stringify(answer.body)).not.toMatch(/at .*\(|node_modules|select |insert /i);
}

/** Writes bytes to a socket, one chunk per `everyMs`, and reads until the server closes or `done` says enough. */
export function exchange(
  url: string,
  chunks: readonly (string | Buffer)[],
  options: { everyMs?: number; timeoutMs?: number; done?: (received: string) => boolean } = {},
): Promise<string> {
  const { everyMs = 0, timeoutMs = 90_000, done = () => false } = options;
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end of the answer within ${timeoutMs} ms: ${received.slice(0, 500)}`));
    }, timeoutMs);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (done(received)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
    const waiting = [...chunks];
    const next = () => {
      const chunk = waiting.shift();
      if (chunk === undefined || socket.destroyed) return;
      socket.write(chunk);
      if (everyMs > 0) setTimeout(next, everyMs);
      else next();
    };
    next();
  });
}

/** A request as bytes, with `extra` header lines; the body's length is declared unless `extra` does. */
export function rawRequest(
  token: string,
  body: string,
  extra: readonly string[] = [],
  line = 'POST /v1/slips HTTP/1.1',
): string {
  const length = extra.some((header) => /^(content-length|transfer-encoding):/i.test(header))
    ? []
    : [`content-length: ${Buffer.byteLength(body)}`];
  const headers = [
    'host: intake',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    ...length,
    ...extra,
  ];
  return `${line}\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}

export function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
