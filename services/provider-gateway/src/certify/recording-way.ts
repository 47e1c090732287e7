import {
  createServer,
  type IncomingMessage,
  request as requestOverHttp,
  type ServerResponse,
} from 'node:http';
import { request as requestOverHttps } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request and its answer, byte for byte, but for headers that may hold a secret. */
export interface Exchange {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly requestBody: Buffer;
  /** null: no answer came, or nobody waited for it. */
  readonly status: number | null;
  readonly answerBody: Buffer;
}

/** A way to a provider on which everything is written down, and on which calls can be cut off. */
export interface RecordingWay {
  readonly url: string;
  readonly tape: readonly Exchange[];
  /** Why the provider could not be reached the last time; null: it could. */
  readonly unreachable: string | null;
  /** From now on a request is written whole, and its connection is cut before the answer. */
  isCutting: boolean;
  close(): Promise<void>;
}

/** No statement is longer; the gateway refuses less of other answers. */
const answerBytesMax = 16 * 1024 * 1024;
/** Of all answers: the tape is held in memory, and a sandbox that sends megabytes whatever it is asked would fill it. */
const tapeBytesMax = 2 * answerBytesMax;

export async function openRecordingWay(target: string, now: () => Date): Promise<RecordingWay> {
  const base = new URL(target.replace(/\/$/, ''));
  const open = base.protocol === 'https:' ? requestOverHttps : requestOverHttp;
  const tape: Exchange[] = [];
  let tapeBytes = 0;
  const way = { tape, unreachable: null as string | null, isCutting: false };

  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url: path = '/' } = incoming;
    const requestBody = Buffer.concat(await incoming.toArray());
    const exchange = { at: now().toISOString(), method, path, requestBody };
    const { host: _, connection: __, ...headers } = incoming.headers;
    const onward = open({
      agent: false,
      ...{
        protocol: base.protocol,
        hostname: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port,
        method,
        headers,
      },
      path: base.pathname.replace(/\/$/, '') + path,
    });
    // Whoever asked waits no longer: a sandbox that hangs holds nothing open.
    outgoing.once('close', () => onward.destroy());
    onward.on('error', () => {}).end(requestBody);
    try {
      if (way.isCutting) {
        await new Promise<void>((resolve, reject) => onward.once('finish', resolve).once('error', reject));
        onward.destroy();
        incoming.socket.destroy();
        tape.push({ ...exchange, status: null, answerBody: Buffer.alloc(0) });
        return;
      }
      const answer = await new Promise<IncomingMessage>((resolve, reject) =>
        onward.once('response', resolve).once('error', reject),
      );
      const answerBody = await bytesOf(answer, Math.min(answerBytesMax, tapeBytesMax - tapeBytes));
      tapeBytes += answerBody.length;
      way.unreachable = null;
      tape.push({ ...exchange, status: answer.statusCode!, answerBody });
      const { connection: ___, 'transfer-encoding': ____, 'content-length': _____, ...told } = answer.headers;
      outgoing.writeHead(answer.statusCode!, told).end(answerBody);
    } catch (error) {
      const why = (error as Error).message || String((error as { code?: string }).code);
      way.unreachable = outgoing.closed ? 'it does not answer' : why;
      tape.push({ ...exchange, status: null, answerBody: Buffer.alloc(0) });
      incoming.socket.destroy();
    }
  };

  const server = createServer((incoming, outgoing) => {
    incoming.on('error', () => {});
    pass(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(way, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function bytesOf(answer: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw new Error(`an answer of more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
