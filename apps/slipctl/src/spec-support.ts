import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export const launcher = join(import.meta.dirname, '..', 'bin', 'slipctl.mjs');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program with nothing of this process's settings. */
export function slipctl(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [launcher, ...args], { env: { PATH: process.env.PATH, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Gives status and body for a path with its query (and a posted body), a text as it is; undefined: no answer ever. */
export type Answer = (target: URL, posted: unknown) => Said | undefined;

interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A service that answers as told; requests without `Bearer good` get 401. */
export async function serve(answer: Answer): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const posted = chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString());
    const isOpen = request.url === '/readyz';
    const allowed = isOpen || request.headers.authorization === 'Bearer good';
    const target = new URL(request.url ?? '', 'http://x');
    const said: Said | undefined = allowed ? answer(target, posted) : { status: 401, body: {} };
    if (!said) return;
    const isText = typeof said.body === 'string';
    const type = isText ? 'text/plain' : 'application/json';
    response.writeHead(said.status ?? 200, { 'content-type': type, ...said.headers });
    response.end(isText ? said.body : JSON.stringify(said.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
