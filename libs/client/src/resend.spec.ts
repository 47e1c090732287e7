import { describe, expect, it } from '@jest/globals';
import { SendFailed } from '@slipstream/kafka';
import { resend } from './resend.ts';

const quick = { minMs: 1, maxMs: 1 };

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
    const { send, calls } = failing(4, new SendFailed('the broker is away', true));
    expect(await resend(send, quick)).toBe('sent');
    expect(calls()).toBe(5);
  });

  it.each([
    ['after five times', new SendFailed('the broker is away', true), 5],
    ['at once when it can never succeed', new SendFailed('too large', false), 1],
    ['at once on a bug', new TypeError('x'), 1],
  ])('gives up %s', async (_, error, expected) => {
    const { send, calls } = failing(99, error);
    await expect(resend(send, quick)).rejects.toBe(error);
    expect(calls()).toBe(expected);
  });
});
