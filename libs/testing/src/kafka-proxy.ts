import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls, { type TlsOptions } from 'node:tls';

/** A way to the one broker of a spec on which produce calls can be slow, or wait until they are let go. */
export interface KafkaProxy {
  readonly address: string;
  /** How long each produce call waits from now on before it reaches the broker. */
  produceDelayMs: number;
  /** Produce calls that came through so far. */
  readonly produces: number;
  /** Signs of life of group members that came through so far. */
  readonly heartbeats: number;
  /** Produce calls wait from now on until the proxy is closed: the broker never hears of them. */
  holdProduces(): void;
  /** Ends every connection, and what waits with them. */
  close(): Promise<void>;
}

/** The api keys of Produce and Heartbeat (Kafka protocol guide). */
const produceKey = 0;
const heartbeatKey = 12;
/** The longest that a timer takes. */
const forEverMs = 2 ** 31 - 1;

/**
 * @param broker `host:port`, as the broker itself names it in its answers
 * @param secure the proxy speaks TLS with its clients, and with the broker in the clear
 */
export async function startKafkaProxy(broker: string, secure?: TlsOptions): Promise<KafkaProxy> {
  const [host, port] = [
    broker.slice(0, broker.lastIndexOf(':')),
    Number(broker.slice(broker.lastIndexOf(':') + 1)),
  ];
  const sockets = new Set<net.Socket>();
  const closing = new AbortController();
  let held = false;
  const proxy = { produceDelayMs: 0, produces: 0, heartbeats: 0 };

  const beforeSending = async (request: Buffer): Promise<void> => {
    const apiKey = request.readInt16BE(4);
    if (apiKey === heartbeatKey) proxy.heartbeats++;
    if (apiKey !== produceKey) return;
    proxy.produces++;
    const delayMs = held ? forEverMs : proxy.produceDelayMs;
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: closing.signal });
  };

  const serve = (client: net.Socket) => {
    const upstream = net.connect(port, host);
    const own = (server.address() as AddressInfo).port;
    const pairs = [
      [client, upstream],
      [upstream, client],
    ] as const;
    // Requests and answers each keep their order: one that waits holds up those behind it, as a slow broker does.
    void relay(client, upstream, beforeSending);
    void relay(upstream, client, async (answer) => pointHere(answer, host, port, own));
    for (const [from, to] of pairs) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  };
  const server = secure ? tls.createServer(secure, serve) : net.createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return Object.assign(proxy, {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdProduces() {
      held = true;
    },
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
}

/** Passes on whole messages (each behind its size), one after the other. */
async function relay(
  from: net.Socket,
  to: net.Socket,
  before: (message: Buffer) => Promise<void>,
): Promise<void> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of from) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const message = rest.subarray(0, 4 + rest.readInt32BE(0));
        rest = rest.subarray(message.length);
        await before(message);
        to.write(message);
      }
    }
  } catch {
    // The connection ended, or the proxy was closed: the other side learns it from its own socket.
  }
  to.destroy();
}

/** Clients go where the broker says it is: its own address in an answer becomes the proxy's, of the same length. */
function pointHere(answer: Buffer, host: string, port: number, own: number): void {
  const wanted = Buffer.concat([Buffer.from(host), int32(port)]);
  for (let at = answer.indexOf(wanted); at >= 0; at = answer.indexOf(wanted, at + wanted.length)) {
    answer.writeInt32BE(own, at + host.length);
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
