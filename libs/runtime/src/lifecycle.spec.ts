import { describe, expect, it } from '@jest/globals';
import { type Part, startParts, stopParts } from './lifecycle.ts';

function recorder() {
  const calls: string[] = [];
  const part = (name: string, failing?: 'start' | 'drain' | 'stop'): Part => {
    const step = (what: 'start' | 'drain' | 'stop') => async () => {
      calls.push(`${what} ${name}`);
      if (failing === what) throw new Error(`${name} cannot ${what}`);
    };
    return { name, start: step('start'), drain: step('drain'), stop: step('stop') };
  };
  return { calls, part, failures: [] as string[] };
}

describe('parts', () => {
  it('start in order, then all drain and all stop in reverse', async () => {
    const { calls, part } = recorder();
    const started = await startParts([part('pool'), part('relay')], () => undefined);
    expect(await stopParts(started, () => undefined)).toBe(true);
    expect(calls).toEqual([
      'start pool',
      'start relay',
      'drain relay',
      'drain pool',
      'stop relay',
      'stop pool',
    ]);
  });

  it('stop what was started when one cannot start, and say which', async () => {
    const { calls, part } = recorder();
    const starting = startParts([part('pool'), part('relay', 'start'), part('consumer')], () => undefined);
    await expect(starting).rejects.toThrow('relay did not start: relay cannot start');
    expect(calls).toEqual(['start pool', 'start relay', 'drain pool', 'stop pool']);
  });

  it('are all stopped even when one fails to', async () => {
    const { calls, part, failures } = recorder();
    const started = await startParts([part('pool', 'stop'), part('relay', 'drain')], () => undefined);
    const clean = await stopParts(started, (name, step) => failures.push(`${name} ${step}`));
    expect(clean).toBe(false);
    expect(failures).toEqual(['relay drain', 'pool stop']);
    expect(calls).toContain('stop relay');
  });

  it('may have nothing to drain', async () => {
    const part: Part = { name: 'pool', start: async () => undefined, stop: async () => undefined };
    expect(await stopParts(await startParts([part], () => undefined), () => undefined)).toBe(true);
  });
});
