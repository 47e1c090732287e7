import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { runLogProgram } from './log-program.ts';

const said: unknown[] = [];
beforeEach(() => {
  said.length = 0;
  jest.spyOn(console, 'log').mockImplementation((line) => void said.push(JSON.parse(String(line))));
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

const argv = ['node', 'main.js', JSON.stringify({ brokers: ['broker.invalid:9092'], from: null })];

test('tells how far it is, and what came of it', async () => {
  const run = async (
    _: unknown,
    asked: { brokers: string[]; from: null },
    onRead: (a: number, b: number) => void,
  ) => {
    onRead(1, 2);
    return asked;
  };
  await runLogProgram('spec', run, { argv, env: {} });
  expect(said).toEqual([
    { progress: { done: 1, total: 2 } },
    { result: { brokers: ['broker.invalid:9092'], from: null } },
  ]);
});

test('speaks to the brokers as its environment says, and says what is wrong with that', async () => {
  const run = jest.fn(async () => ({}));
  await runLogProgram('spec', run, { argv, env: { KAFKA_TLS: 'yes' } });
  expect(said).toEqual([{ error: expect.stringContaining('KAFKA_TLS'), is_usage: true }]);
  expect([process.exitCode, run.mock.calls.length]).toEqual([1, 0]);
});

test('says why it failed', async () => {
  const run = () => Promise.reject(new Error('no broker is there'));
  await runLogProgram('spec', run, { argv, env: {} });
  expect(said).toEqual([{ error: 'no broker is there', is_usage: false }]);
});
