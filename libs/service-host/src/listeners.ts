import { createServer, type Server, type Socket } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** Sockets that listen on one port. */
const listenersMax = 8;
/** Elsewhere the kernel does not deal connections out among those that share a port, or does not let them. */
const isShared = process.platform === 'linux';

export interface Listeners {
  /** No new connections. Resolves when those that there are have ended. */
  close(): Promise<void>;
}

/**
 * Lets the application listen, on several sockets. Of a listening socket Node accepts one connection in each turn of its event loop (libuv 1.45 and
 * later): where turns are long, since much comes in at once or the machine is full, new connections would stand in the kernel's queue for seconds
 * while requests on old ones are answered. The kernel deals them out among the sockets (SO_REUSEPORT).
 * @throws Error EADDRINUSE and other reasons of listen(2)
 */
export async function listen(
  app: NestFastifyApplication,
  {
    port,
    host,
    connectionsMax,
  }: { readonly port: number; readonly host: string; readonly connectionsMax: number },
): Promise<Listeners> {
  const server: Server = app.getHttpServer();
  boundConnections(server, connectionsMax);
  if (!isShared) {
    await app.listen(port, host);
    return { close: async () => {} };
  }
  // Another process of this user that shares its ports would get half of our requests: a port that anybody has is refused.
  if (port !== 0) await close(await open({ port, host }));
  // Fastify passes it on, and its types do not know of it.
  const sharing = { port, host, reusePort: true };
  await app.listen(sharing);
  const own = server.address() as { readonly address: string; readonly port: number };
  const others: Server[] = [];
  const closeAll = async () => void (await Promise.all(others.map(close)));
  try {
    while (others.length < listenersMax - 1) {
      const handOver = (socket: Socket) => void server.emit('connection', socket);
      others.push(await open({ port: own.port, host: own.address, reusePort: true }, handOver));
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  return { close: closeAll };
}

/** Whichever socket they came by. */
function boundConnections(server: Server, connectionsMax: number): void {
  let connections = 0;
  server.prependListener('connection', (socket: Socket) => {
    connections += 1;
    socket.once('close', () => {
      connections -= 1;
    });
    if (connections > connectionsMax) socket.destroy();
  });
}

/** As Node's HTTP server takes them. */
const ofHttp = { allowHalfOpen: true, noDelay: true };

function open(
  where: { readonly port: number; readonly host: string; readonly reusePort?: boolean },
  onConnection: (socket: Socket) => void = () => {},
): Promise<Server> {
  const listener = createServer(ofHttp, onConnection);
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(where, () => resolve(listener));
  });
}

function close(listener: Server): Promise<void> {
  return new Promise((resolve) => {
    listener.close(() => resolve());
  });
}
