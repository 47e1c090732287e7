import type { ProviderRules } from '@slipstream/rules';
import type { Probe, Provider } from '../../application/ports.ts';
import type { Transport } from './http-transport.ts';

/** No slip has this id: ids are UUIDv7, and this is the nil UUID (RFC 9562). */
export const impossibleSlip = '00000000-0000-0000-0000-000000000000';

/** How a provider is asked whether it is there, as its rules say; null: it is not. */
export function probeOf(
  { probe, connectTimeoutMs, answerTimeoutMs }: ProviderRules,
  provider: Pick<Provider, 'inquire'>,
  transport: Transport,
  monotonicMs: () => number,
): Probe | null {
  if (probe === null) return null;
  const { everyMs, path } = probe;
  if (path === null) return { everyMs, ask: () => askAboutNone(provider) };
  return {
    everyMs,
    async ask() {
      const { result } = transport.call({
        ...{ method: 'GET', path, headers: {}, body: null, answerTimeoutMs },
        startBeforeMs: monotonicMs() + connectTimeoutMs,
      });
      const ended = await result;
      if (ended.kind !== 'response') return failed(`${ended.reason}: ${ended.detail}`);
      const { status } = ended;
      return status >= 200 && status < 300 ? { kind: 'answered' } : failed(`HTTP ${status}`);
    },
  };
}

async function askAboutNone(provider: Pick<Provider, 'inquire'>): ReturnType<Probe['ask']> {
  const { outcome } = await provider.inquire(impossibleSlip);
  return outcome.kind === 'no_answer' ? failed(outcome.detail) : { kind: 'answered' };
}

function failed(detail: string): Awaited<ReturnType<Probe['ask']>> {
  return { kind: 'no_answer', detail };
}
