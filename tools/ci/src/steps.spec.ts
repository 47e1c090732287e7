import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { failed, passed, runSteps, summary } from './steps.ts';

describe('the steps of a test run', () => {
  const printed: string[] = [];
  beforeEach(() => {
    printed.length = 0;
    jest
      .spyOn(console, 'log')
      .mockImplementation((line: string) => void printed.push(line.replace(/[\d.]+ s$/, 'T s')));
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('all run whatever the others give, and only a failing one is shown', async () => {
    const total = await runSteps(
      [
        { name: 'types', run: async () => failed('a.ts: wrong') },
        { name: 'throws', run: () => Promise.reject(new Error('no such program')) },
        { name: 'lint', run: async () => passed() },
        { name: 'unit', run: async () => ({ passed: 7, failed: 0, skipped: 1, output: 'chatter' }) },
      ],
      new AbortController().signal,
    );
    expect(total).toEqual({ passed: 8, failed: 2, skipped: 1 });
    expect(printed).toEqual([
      'a.ts: wrong\n',
      '✗ types T s',
      'no such program\n',
      '✗ throws T s',
      '✓ lint T s',
      '✓ unit (7 passed, 0 failed, 1 skipped) T s',
    ]);
  });

  test('end in one line that names skipped tests only if there are any', () => {
    expect(summary({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
    expect(summary({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
  });
});
