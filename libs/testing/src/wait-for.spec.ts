import { describe, expect, test } from '@jest/globals';
import { waitFor } from './wait-for.ts';

describe('waitFor', () => {
  test('gives the first truthy answer, and takes an error for "not yet"', async () => {
    let calls = 0;
    const answer = await waitFor(
      () => {
        calls++;
        if (calls === 1) throw new Error('not yet');
        return calls === 3 && 'there';
      },
      { timeoutMs: 1_000, what: 'the third call', intervalMs: 1 },
    );
    expect(answer).toBe('there');
  });

  test('names what it waited for and the last error', async () => {
    const failing = waitFor(() => Promise.reject(new Error('refused')), {
      timeoutMs: 5,
      what: 'the door',
      intervalMs: 1,
    });
    await expect(failing).rejects.toThrow('waited 5 ms for the door: refused');
  });
});
