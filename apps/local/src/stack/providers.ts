import { randomBytes } from 'node:crypto';
import { freePorts } from '@slipstream/environment';
import type { ProcessSpec } from '../supervisor/supervised-process.ts';
import { compiled } from './paths.ts';
import { behind } from './services.ts';

/** The simulated providers; the rules files have a route for each but the polled one, which drills add. */
const PROVIDERS = [
  { id: 'acme', mode: 'async', latency_ms: [5, 30], answer_ms: [50, 400], failure_rate: 0.03 },
  { id: 'borealis', mode: 'async', latency_ms: [10, 60], answer_ms: [100, 800], failure_rate: 0.05 },
  { id: 'cumulus', mode: 'sync', latency_ms: [20, 120], answer_ms: [0, 0], failure_rate: 0.02 },
  { id: 'dorado', mode: 'async', latency_ms: [5, 40], answer_ms: [200, 1_500], failure_rate: 0.04 },
  { id: 'opal', mode: 'polled', latency_ms: [5, 40], answer_ms: [100, 800], failure_rate: 0.02 },
] as const;

/** How long after receipt a simulated provider may still take up a slip; the rules files declare the same. */
const ACCEPTANCE_DELAY_MAX_MS = 1_000;

/** How a simulated provider answers, by its names in the simulator's configuration. */
export interface SimulatedBehaviour {
  readonly mode: 'sync' | 'async';
  readonly latency_ms: readonly [number, number];
  readonly answer_ms: readonly [number, number];
  readonly failure_rate: number;
}

export interface Simulation {
  spec: ProcessSpec;
  url: string;
  /** `PROVIDER_<ID>_URL` and `PROVIDER_<ID>_SECRET`, for the services. */
  env: Record<string, string>;
}

/**
 * @param gatewayUrl takes the callbacks
 * @param stateFile where the providers keep what they know over a stop; null: they forget
 * @param behaviour of all providers instead of their own
 */
export async function planSimulation(
  gatewayUrl: string,
  stateFile: string | null,
  behaviour: Partial<SimulatedBehaviour> = {},
): Promise<Simulation> {
  const [adminPort, ...providerPorts] = await freePorts(1 + PROVIDERS.length);
  const providers = PROVIDERS.map((provider, index) => ({
    ...{ ...provider, ...behaviour },
    port: providerPorts[index],
    secret: `whsec_${randomBytes(32).toString('base64')}`,
    callback_url: `${gatewayUrl}/v1/callbacks/${provider.id}`,
    acceptance_delay_max_ms: ACCEPTANCE_DELAY_MAX_MS,
  }));
  const url = `http://127.0.0.1:${adminPort}`;
  return {
    url,
    env: Object.fromEntries(
      providers.flatMap(({ id, port, secret }) => [
        [`PROVIDER_${id.toUpperCase()}_URL`, `http://127.0.0.1:${port}`],
        [`PROVIDER_${id.toUpperCase()}_SECRET`, secret],
      ]),
    ),
    spec: {
      name: 'provider-simulator',
      args: [
        compiled('apps/provider-simulator/dist/main.js'),
        ...['--port', String(adminPort)],
        ...(stateFile === null ? [] : ['--state', stateFile]),
      ],
      env: { SIMULATOR_PROVIDERS: JSON.stringify(providers) },
      readyUrl: `${url}/readyz`,
      niceness: behind,
    },
  };
}
