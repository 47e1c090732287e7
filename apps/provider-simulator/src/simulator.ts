import { adminHttp } from './admin-http.ts';
import { CallbackSender } from './callbacks.ts';
import { checkProviders, type ProviderInput } from './config.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Listener } from './listener.ts';
import { ordersHttp } from './orders-http.ts';
import { Outages } from './outages.ts';
import { Provider } from './provider.ts';
import { type ProviderHttp, providerHttp } from './provider-http.ts';
import type { Rule } from './rules.ts';
import { Timers } from './timers.ts';
import { TruthStore } from './truth.ts';
import { loadTruth, saveTruth } from './truth-file.ts';

export interface SimulatorOptions {
  readonly providers: readonly ProviderInput[];
  /** Port of the admin API; 0 (the default) picks a free one. */
  readonly port?: number;
  readonly host?: string;
  /** Decides every fault, outcome and delay together with the slip's id; default '1'. */
  readonly seed?: string | number;
  readonly limits?: Partial<Limits>;
  readonly now?: () => number;
  /** Where the truth is kept over a stop and a start; absent: it is forgotten. */
  readonly stateFile?: string | undefined;
}

export interface Simulator {
  /** Base URL of the admin API. */
  readonly admin: string;
  /** Base URL of each provider by its id. */
  readonly providers: Readonly<Record<string, string>>;
  /** Drains for at most 2 s, then cuts what is left; leaves no timer and no socket. May be called twice. */
  stop(): Promise<void>;
}

/** Starts the providers and the admin API. @throws ConfigError, or a listen error naming the port */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const now = options.now ?? Date.now;
  const host = options.host ?? '127.0.0.1';
  const timers = new Timers();
  const truth = new TruthStore(limits.truthSlipsMax, limits.answersPerSlipMax);
  if (options.stateFile) loadTruth(truth, options.stateFile);
  const rules: { current: readonly Rule[] } = { current: [] };
  const providers = new Map<string, Provider>();
  const listeners = new Map<string, Listener>();
  const senders: CallbackSender[] = [];
  const servers: ProviderHttp[] = [];

  for (const config of checkProviders(options.providers, 'providers')) {
    const { id, callback_url: url, port } = config;
    const sender = url === null ? null : new CallbackSender({ provider: id, url, limits, timers, now });
    const provider = new Provider({
      ...{ config, truth, timers, limits, now },
      seed: String(options.seed ?? '1'),
      rules: () => rules.current,
      send: (callback) => sender?.send(callback),
    });
    const openHttp = config.mode === 'polled' ? ordersHttp : providerHttp;
    const server = openHttp(provider, { timers, limits, now });
    await server.app.ready();
    if (sender) senders.push(sender);
    servers.push(server);
    providers.set(id, provider);
    listeners.set(id, new Listener(server.app.routing, host, port));
  }

  const outages = new Outages(listeners, () => rules.current, timers, now);
  const adminApp = adminHttp({ providers, listeners, truth, outages, rules, now });
  await adminApp.ready();
  const admin = new Listener(adminApp.routing, host, options.port ?? 0);
  let stopping: Promise<void> | undefined;

  async function shutDown(): Promise<void> {
    timers.stop();
    for (const server of servers) server.dropSilent();
    await outages.apply();
    const open = [admin, ...listeners.values()];
    await Promise.all([
      ...open.map((listener) => listener.close(limits.drainMsMax)),
      ...senders.map((sender) => sender.stop()),
    ]);
    await Promise.all([adminApp.close(), ...servers.map((server) => server.app.close())]);
    if (options.stateFile) saveTruth(truth, options.stateFile);
  }

  const stop = () => {
    stopping ??= shutDown();
    return stopping;
  };

  try {
    for (const listener of [...listeners.values(), admin]) await listener.open();
  } catch (error) {
    await stop();
    throw error;
  }
  const urls = [...listeners].map(([id, listener]) => [id, listener.url] as const);
  return { admin: admin.url, providers: Object.fromEntries(urls), stop };
}
