import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCheck } from '@slipstream/checker';
import { checkTarget, playDemo } from '@slipstream/local';
import { bootStack, expectSound, type TestStack } from './support.ts';

const services = ['intake', 'provider-gateway', 'ledger', 'reconciliation'];
/** Longer than the consumers' session timeout (10 s), so that the woken ones are zombies. */
const pausedMs = 14_000;
let booted: TestStack;

beforeAll(async () => {
  const two = Object.fromEntries(services.map((service) => [service, 2]));
  booted = await bootStack({ instances: two });
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

test('two instances share the work; one of each stopped past its session and woken again changes nothing', async () => {
  const { stack } = booted;
  const seconds = services.map((service) => `${service}-2`);
  const signal = (name: NodeJS.Signals) => {
    for (const instance of seconds) expect(stack.services.kill(instance, name)).toBe(true);
  };
  let woken: Promise<void> | undefined;
  const onSubmitted = (count: number) => {
    if (count !== 60) return;
    signal('SIGSTOP');
    woken = new Promise((resolve) => {
      setTimeout(() => {
        signal('SIGCONT');
        resolve();
      }, pausedMs);
    });
  };
  const played = await playDemo(stack, { slips: 180, overMs: 9_000, endTimeoutMs: 120_000, onSubmitted });
  await woken;
  expect(played.complete).toBe(true);
  await expectSound(stack, played.summary, 180, 2);
  // The feed may have ended while they slept: with them awake another one is played, and then all is checked again.
  const after = await playDemo(stack, { slips: 40, overMs: 3_000, endTimeoutMs: 60_000, seed: 7 });
  expect(after.complete).toBe(true);
  await expectSound(stack, after.summary, 40, 0);
  await expectSound(stack, (await runCheck(checkTarget(stack))).summary, 220, 2);
}, 300_000);
