import { type Simulator, startSimulator } from '@slipstream/provider-simulator';
import { secret } from './harness.ts';

type ProviderOptions = NonNullable<Parameters<typeof startSimulator>[0]>['providers'][number];

/** One provider, acme, that answers within some milliseconds and calls the gateway back on `port`. */
export function simulateAcme(port: number, more: Partial<ProviderOptions> = {}): Promise<Simulator> {
  const acme = {
    ...{ id: 'acme', secret, latency_ms: [0, 5] as const, answer_ms: [5, 40] as const },
    ...{ callback_url: `http://127.0.0.1:${port}/v1/callbacks/acme`, acceptance_delay_max_ms: 200 },
  };
  return startSimulator({ seed: 5, providers: [{ ...acme, ...more }] });
}

interface Truth {
  readonly slip_id: string;
  readonly executions: number;
  readonly outcome: string | null;
}

async function truthOf(simulator: Simulator): Promise<readonly Truth[]> {
  const answer = await fetch(`${simulator.admin}/v1/truth`);
  return ((await answer.json()) as { data: Truth[] }).data;
}

/** How often the providers executed each slip, by their own word. */
export async function executionsAt(simulator: Simulator): Promise<Map<string, number>> {
  return new Map((await truthOf(simulator)).map((row) => [row.slip_id, row.executions]));
}

/** What they say when they are asked now; null: they do not know yet, though they may have executed it. */
export async function outcomesAt(simulator: Simulator): Promise<Map<string, string | null>> {
  return new Map((await truthOf(simulator)).map((row) => [row.slip_id, row.outcome]));
}
