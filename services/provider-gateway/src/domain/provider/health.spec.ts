import { describe, expect, test } from '@jest/globals';
import type { ProviderHealth } from '@slipstream/slip';
import { type CallSigns, healthOf } from './health.ts';

const signs = (more: Partial<CallSigns> = {}): CallSigns => ({
  ...{ isCalled: true, calls: 100, failures: 0, p95Ms: 50, probe: null },
  ...more,
});

const probes = (answered: number, failed: number) => ({ answered, failed, problem: null });

describe('the health of a provider', () => {
  test.each<[string, ProviderHealth, Partial<CallSigns>, ProviderHealth]>([
    ['all is well', 'healthy', {}, 'healthy'],
    ['fewer than a fifth fail', 'healthy', { failures: 19 }, 'healthy'],
    ['a fifth fails', 'healthy', { failures: 20 }, 'degraded'],
    ['it was degraded, and a tenth still fails', 'degraded', { failures: 10 }, 'degraded'],
    ['it was degraded, and fewer than a tenth fail', 'degraded', { failures: 9 }, 'healthy'],
    ['answers take nearly as long as is waited', 'healthy', { p95Ms: 800 }, 'degraded'],
    ['answers take less', 'healthy', { p95Ms: 799 }, 'healthy'],
    ['it is not called', 'healthy', { isCalled: false }, 'down'],
    ['it is called again, and little is known yet', 'down', { calls: 1 }, 'degraded'],
    ['little is known', 'healthy', { calls: 9, failures: 9 }, 'healthy'],
    ['nothing is known', 'degraded', { calls: 0, p95Ms: null }, 'degraded'],
    ['its probes fail', 'healthy', { probe: probes(0, 3) }, 'degraded'],
    ['a probe or two fail', 'healthy', { probe: probes(0, 2) }, 'healthy'],
    ['its probes fail, and nothing is called', 'healthy', { calls: 0, probe: probes(0, 3) }, 'degraded'],
    [
      'its probes are answered, and nothing is called',
      'degraded',
      { calls: 0, probe: probes(3, 0) },
      'healthy',
    ],
    ['too few are answered yet', 'degraded', { calls: 0, probe: probes(2, 0) }, 'degraded'],
    ['its probes are answered, and calls fail', 'healthy', { failures: 20, probe: probes(9, 0) }, 'degraded'],
    [
      'its probes are answered, and it is not called',
      'healthy',
      { isCalled: false, probe: probes(9, 0) },
      'down',
    ],
  ])('%s', (_, before, more, expected) => {
    expect(healthOf(before, signs(more), 1_000)).toBe(expected);
  });
});
