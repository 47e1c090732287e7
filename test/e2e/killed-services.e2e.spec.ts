import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { playDemo } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { bootStack, expectSound, peakMemory, type TestStack } from './support.ts';

const feed = { slips: 120, overMs: 6_000, endTimeoutMs: 90_000 };
let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack();
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

describe('a service that is killed in the middle of the feed', () => {
  test.each(['intake', 'provider-gateway', 'ledger', 'reconciliation'])(
    '%s: every slip ends as the truth says and nothing is lost',
    async (service) => {
      const { stack } = booted;
      const before = stack.services.restarts(service);
      const onSubmitted = (count: number) => {
        if (count === feed.slips / 2) stack.services.kill(service, 'SIGKILL');
      };
      const { summary, complete } = await playDemo(stack, { ...feed, onSubmitted });
      expect(complete).toBe(true);
      expectSound(summary, feed.slips);
      await waitFor(
        () => stack.services.restarts(service) === before + 1 && stack.services.isReady(service),
        {
          what: `${service} to be back`,
        },
      );
    },
    180_000,
  );

  test('none of them needs more than 200 MiB', () => {
    const peaks = peakMemory(booted.stack);
    console.log(JSON.stringify(peaks));
    for (const [service, mib] of Object.entries(peaks)) expect([service, mib < 200]).toEqual([service, true]);
  });
});
