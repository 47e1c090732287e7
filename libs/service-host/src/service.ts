import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Part, type PartFailure, startParts, stopParts } from '@slipstream/runtime';
import { createHost, type Host, type HostOptions } from './host.ts';
import { httpLimits } from './http-server.ts';
import { type Listeners, listen } from './listeners.ts';

export interface ServiceOptions extends HostOptions {
  /** Started in this order before the service listens; drained and stopped in reverse after HTTP has ended. */
  readonly parts?: readonly Part[] | ((host: Host) => readonly Part[]);
  /** Runs when the parts are up, just before the first request can come. */
  readonly beforeListen?: (host: Host) => Promise<void>;
}

export interface Service extends Host {
  /** `http://127.0.0.1:8080`, with the port that was really taken. */
  readonly url: string;
  /**
   * Not ready → no new requests → requests in hand finish → parts drain → parts stop.
   * Resolves to false when a part failed to drain or stop, or requests had to be cut off.
   */
  stop(): Promise<boolean>;
}

/** Requests in hand get this share of the drain time; the parts get the rest. */
const requestShare = 0.5;

/** Starts a service in this process without touching its signals: for component tests, and for {@link runService}. */
export async function createService(options: ServiceOptions): Promise<Service> {
  const drain = new AbortController();
  const host = await createHost(options, drain.signal);
  const logger = new Logger('Service');
  const onFailure: PartFailure = (part, step, error) => logger.error(`${part}: ${step} failed`, error);
  let started: readonly Part[] = [];
  let listeners: Listeners;
  try {
    await host.app.init();
    const parts = typeof options.parts === 'function' ? options.parts(host) : (options.parts ?? []);
    started = await startParts(parts, onFailure);
    await options.beforeListen?.(host);
    const { connectionsMax } = { ...httpLimits, ...options.limits };
    listeners = await listen(host.app, { ...options.settings, connectionsMax });
  } catch (error) {
    await stopParts(started, onFailure);
    await host.app.close();
    throw error;
  }
  const stop = async (): Promise<boolean> => {
    host.health.startDraining();
    drain.abort();
    const finished = await closeHttp(host.app, listeners, options.settings.drainTimeoutMs * requestShare);
    if (!finished) logger.warn('requests were cut off: they did not finish in time');
    const clean = await stopParts(started, onFailure);
    await host.app.close();
    return finished && clean;
  };
  let stopping: Promise<boolean> | undefined;
  return {
    ...host,
    url: await host.app.getUrl(),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Stops listening and waits for the requests in hand; after `timeoutMs` their connections are cut. */
async function closeHttp(
  app: NestFastifyApplication,
  listeners: Listeners,
  timeoutMs: number,
): Promise<boolean> {
  const server = app.getHttpServer();
  let finished = true;
  const timer = setTimeout(() => {
    finished = false;
    server.closeAllConnections();
  }, timeoutMs);
  try {
    await Promise.all([listeners.close(), app.getHttpAdapter().getInstance().close()]);
  } finally {
    clearTimeout(timer);
  }
  return finished;
}
