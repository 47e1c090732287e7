import { expect, test } from '@jest/globals';
import { errorLog } from './error-log.ts';

test('an error that repeats every tick is said with its stack once, then counted', () => {
  const said: string[] = [];
  let nowMs = 0;
  const log = errorLog({ error: (message) => said.push(message) }, () => nowMs);
  for (; nowMs < 25_000; nowMs += 50) log(new Error('connect ECONNREFUSED'));
  log('text');
  expect(said).toHaveLength(4);
  expect(said[0]).toMatch(/^Error: connect ECONNREFUSED\n +at /);
  expect(said.slice(1)).toEqual([
    'connect ECONNREFUSED (and 199 times before, unsaid)',
    'connect ECONNREFUSED (and 199 times before, unsaid)',
    'text',
  ]);
});
