import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { RestartBackoff } from './backoff.ts';
import { LogFile } from './log-file.ts';

test('a log keeps its latest lines within two files of the size cap', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipstream-log-'));
  const log = new LogFile(join(folder, 'service.log'), 20);
  for (const line of ['first line\n', 'second\n', 'third line\n', 'fourth line\n']) log.write(line);
  log.close();
  expect(readFileSync(log.path, 'utf8')).toBe('fourth line\n');
  expect(readFileSync(`${log.path}.1`, 'utf8')).toBe('third line\n');
  expect(log.tail(1)).toBe('fourth line');
  rmSync(folder, { recursive: true });
});

test('restarts wait 0.2 s to 5 s, doubled each time, and 0.2 s again after 10 s of health', () => {
  const backoff = new RestartBackoff();
  expect([0, 0, 0, 0, 0, 0, 0].map((healthyMs) => backoff.delayMs(healthyMs))).toEqual([
    200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ]);
  expect(backoff.delayMs(9_999)).toBe(5_000);
  expect(backoff.delayMs(10_000)).toBe(200);
});
