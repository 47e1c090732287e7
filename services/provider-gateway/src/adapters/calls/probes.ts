import { Loop, type Part } from '@slipstream/runtime';
import type { Providers } from '../../application/ports.ts';

/** Asks each provider whose rules want it, now and then, whether it is there; what it says is seen by its circuit. */
export function probes(providers: Providers, onError: (error: unknown) => void): readonly Part[] {
  return [...providers.values()].flatMap(({ id, probe }) => {
    if (!probe) return [];
    let isAsking = false;
    const round = async () => {
      // Nobody waits for the answer: a provider that is silent must not keep the process from ending.
      if (!isAsking) {
        isAsking = true;
        void probe.ask().finally(() => {
          isAsking = false;
        });
      }
      return probe.everyMs;
    };
    return [new Loop({ name: `probe of ${id}`, round, pauseMs: 10, onError })];
  });
}
