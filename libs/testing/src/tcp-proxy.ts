import net, { type AddressInfo } from 'node:net';

/** A way to a server that can go bad as networks do. */
export interface TcpProxy {
  readonly port: number;
  /** Connections made through it so far. */
  readonly connections: number;
  /** The connections open now swallow whatever comes, in both directions, without an end; later ones work. */
  silence(): void;
  /** As {@link TcpProxy.silence}, and new ones get no answer either, until the function that this gives is called. */
  cutOff(): () => void;
  /** The connections open now are reset. */
  reset(): void;
  close(): Promise<void>;
}

/** @param target the server's port on 127.0.0.1; a function is asked for each connection, for a server that starts later */
export async function startTcpProxy(target: number | (() => number)): Promise<TcpProxy> {
  const pairs = new Set<readonly [net.Socket, net.Socket]>();
  let connections = 0;
  let isCutOff = false;
  const server = net.createServer((client) => {
    connections++;
    if (isCutOff) return void swallow(client);
    const upstream = net.connect(typeof target === 'number' ? target : target(), '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
  });
  const swallowed = new Set<net.Socket>();
  function swallow(client: net.Socket): void {
    swallowed.add(client);
    client
      .on('error', () => {})
      .on('close', () => swallowed.delete(client))
      .resume();
  }
  function silence(): void {
    for (const [client, upstream] of pairs) {
      client.unpipe(upstream).resume();
      upstream.unpipe(client).resume();
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    silence,
    cutOff() {
      silence();
      isCutOff = true;
      return () => {
        isCutOff = false;
      };
    },
    reset() {
      for (const [client, upstream] of pairs) {
        client.resetAndDestroy();
        upstream.destroy();
      }
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of [...swallowed, ...[...pairs].flat()]) socket.destroy();
      await closed;
    },
  };
}
