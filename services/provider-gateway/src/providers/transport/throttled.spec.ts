import { expect, test } from '@jest/globals';
import { throttled } from './throttled.ts';

const date = 'Thu, 26 Nov 2026 10:00:00 GMT';

test.each<[string | undefined, string | undefined, number | undefined]>([
  [undefined, date, undefined],
  ['0', date, 0],
  ['7', date, 7_000],
  ['999999999', date, 3_600_000],
  ['Thu, 26 Nov 2026 10:00:30 GMT', date, 30_000],
  ['Thu, 26 Nov 2026 09:00:00 GMT', date, 0],
  ['Thu, 26 Nov 2026 10:00:30 GMT', undefined, undefined],
  ['-1', undefined, undefined],
  ['soon', date, undefined],
  ['', date, undefined],
])('retry-after %j at %j asks to wait %j ms', (value, at, expected) => {
  const headers = {
    ...(value === undefined ? {} : { 'retry-after': value }),
    ...(at === undefined ? {} : { date: at }),
  };
  const outcome = throttled(headers);
  expect(outcome).toMatchObject({ kind: 'unanswered', reason: 'throttled' });
  expect('retryAfterMs' in outcome ? outcome.retryAfterMs : undefined).toBe(expected);
});
