import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SendFailed } from '@slipstream/kafka';
import { resend } from './resend.ts';

const quick = { minMs: 1, maxMs: 1 };
const long = 600_000;
const within = (timeoutMs: number) => ({ sinceMs: performance.now(), timeoutMs, limits: quick });

function failing(times: number, error: Error) {
  let calls = 0;
  const send = async () => {
    if (++calls <= times) throw error;
    return 'sent';
  };
  return { send, calls: () => calls };
}

describe('resend', () => {
  it('repeats a failed send', async () => {
    const { send, calls } = failing(9, new SendFailed('the broker is away', true));
    expect(await resend(send, within(long))).toBe('sent');
    expect(calls()).toBe(10);
  });

  it('gives up when the time is over, and says what kept it', async () => {
    const away = new SendFailed('the broker is away', true, { acknowledged: new Map([['t:1', 5n]]) });
    const { send, calls } = failing(Number.POSITIVE_INFINITY, away);
    await expect(resend(send, within(30))).rejects.toMatchObject({
      name: 'SendFailed',
      retryable: true,
      message: 'not acknowledged within 30 ms: the broker is away',
      acknowledged: away.acknowledged,
    });
    expect(calls()).toBeGreaterThan(0);
  });

  it('says what kept it before, where the time limit cut the last try off', async () => {
    let calls = 0;
    const send = async (untilMs: number) => {
      if (++calls === 1) throw new SendFailed('the topic is not there', true);
      while (performance.now() < untilMs) await nextTurn();
      throw new SendFailed('sending took more than 7 ms', true);
    };
    await expect(resend(send, within(30))).rejects.toThrow(
      'not acknowledged within 30 ms: the topic is not there',
    );
  });

  it('tells each try until when it may take', async () => {
    const before = performance.now();
    const untilMs = await resend(async (until) => until, within(1_000));
    expect(untilMs - before).toBeGreaterThanOrEqual(1_000);
    expect(untilMs).toBeLessThanOrEqual(performance.now() + 1_000);
  });

  it.each([
    ['when it can never succeed', new SendFailed('too large', false)],
    ['on a bug', new TypeError('x')],
  ])('gives up at once %s', async (_, error) => {
    const { send, calls } = failing(99, error);
    await expect(resend(send, within(long))).rejects.toBe(error);
    expect(calls()).toBe(1);
  });
});
