import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallbackHeaders, CallbackReader } from '../application/ports.ts';

/** A callback as it came, and what its signature is worth. */
export interface HeardCallback {
  readonly atMs: number;
  /** null: it cannot be read which slip it is about. */
  readonly slipId: string | null;
  readonly webhookId: string | null;
  /** null: it is signed as it must be. */
  readonly problem: string | null;
}

export interface CallbackListener {
  readonly port: number;
  readonly heard: readonly HeardCallback[];
  close(): Promise<void>;
}

const bodyBytesMax = 64 * 1024;

/** Hears a sandbox's callbacks, takes all of them, and checks them as the gateway does. */
export async function hearCallbacks(
  reader: CallbackReader,
  address: { readonly host: string; readonly port: number },
  nowMs: () => number,
): Promise<CallbackListener> {
  const heard: HeardCallback[] = [];
  const hear = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bodyBytesMax) return void request.destroy();
      chunks.push(chunk);
    }
    heard.push({ atMs: nowMs(), ...judged(reader, Buffer.concat(chunks), request.headersDistinct) });
    response.writeHead(204).end();
  };
  const server = createServer((request, response) => {
    // One that is cut off in the middle is no callback: it is repeated, or never came.
    hear(request, response).catch(() => request.destroy());
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(address.port, address.host, resolve),
  );
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function judged(reader: CallbackReader, body: Buffer, headers: CallbackHeaders): Omit<HeardCallback, 'atMs'> {
  const hint = reader.understand(body);
  const slipId = 'slipId' in hint ? hint.slipId : null;
  try {
    const { webhookId, message } = reader.read(body, headers);
    return { slipId, webhookId, problem: 'problem' in message ? message.problem : null };
  } catch (error) {
    return { slipId, webhookId: null, problem: error instanceof Error ? error.message : String(error) };
  }
}
