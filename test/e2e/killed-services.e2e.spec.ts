import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { playDemo } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { bootStack, expectSound, peakMemory, slipctl, type TestStack } from './support.ts';

const feed = { slips: 120, overMs: 6_000, endTimeoutMs: 90_000 };
let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack();
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

describe('services that are killed in the middle of the feed', () => {
  test.each([
    ['intake', 'ledger'],
    ['provider-gateway', 'reconciliation'],
  ])(
    '%s, and when it is back %s: every slip ends as the truth says and nothing is lost',
    async (first, second) => {
      const { stack } = booted;
      const before = [stack.services.restarts(first), stack.services.restarts(second)] as const;
      const isBack = (service: string, restarts: number) =>
        stack.services.restarts(service) === restarts + 1 && stack.services.isReady(service);
      let waiting = true;
      const onSubmitted = (count: number) => {
        if (count === feed.slips / 3) stack.services.kill(first, 'SIGKILL');
        // A feed that is over before the first one is back loses both at once.
        if (!waiting || (count < feed.slips && !isBack(first, before[0]))) return;
        waiting = false;
        stack.services.kill(second, 'SIGKILL');
      };
      const { summary, complete } = await playDemo(stack, { ...feed, onSubmitted });
      expect(complete).toBe(true);
      await expectSound(stack, summary, feed.slips, 1);
      await waitFor(() => isBack(first, before[0]) && isBack(second, before[1]), { what: 'both to be back' });
    },
    180_000,
  );

  test('and a shadow of the reconciler finds the same verdicts in the log', async () => {
    const found = JSON.parse(
      await slipctl(booted.stack, ['reconcile', 'diff', '--json', '--timeout', '60s']),
    );
    expect(found).toMatchObject({ ok: true, slips: 2 * feed.slips, set_aside: 0, differences: [] });
    expect(found.verdicts).toBeGreaterThan(0);
  });

  test('and every diagnosis made again from the log is the same', async () => {
    const { diagnoses, same, others } = JSON.parse(
      await slipctl(booted.stack, ['reconcile', 'diagnoses', '--json']),
    );
    expect({ same, others }).toEqual({ same: diagnoses, others: [] });
    expect(diagnoses).toBeGreaterThan(0);
  });

  test('and under the rules as they were a backtest gives what happened', async () => {
    const rules = join(booted.dataDir, 'slipstream.config.yaml');
    const found = JSON.parse(
      await slipctl(booted.stack, ['backtest', '--config', rules, '--was', rules, '--json']),
    );
    expect(found).toMatchObject({ verdicts_differ: 0, unknown_rules: 0 });
    expect(found.warnings).toEqual(found.warned);
    expect(found.circuits.length).toBeGreaterThan(0);
    for (const { was, would } of found.circuits) expect(would).toEqual(was);
    let slips = 0;
    for (const route of found.routes) {
      expect(route).toMatchObject({ changed: 0, open: 0, would: route.was });
      slips += route.slips;
    }
    expect(slips).toBe(2 * feed.slips);
  });

  test('none of them needs more than 256 MiB', () => {
    const peaks = peakMemory(booted.stack);
    console.log(JSON.stringify(peaks));
    for (const [service, mib] of Object.entries(peaks))
      expect([service, mib <= 256]).toEqual([service, true]);
  });
});
