import { afterEach, expect, it, jest } from '@jest/globals';
import { type LogEntry, logLevel } from 'kafkajs';
import { forwarder } from './client.ts';
import { jsonLog, nameLogLines } from './log.ts';

const written: string[] = [];
jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
  written.push(String(text));
  return true;
});
afterEach(() => {
  written.length = 0;
});

it('says in each line whose it is, once that is known', () => {
  nameLogLines({ service: 'ledger', instance: 'ledger-2' });
  jsonLog.warn('dead letter', { key: 'ord-1', slipId: 's-1' });
  expect(JSON.parse(written.join(''))).toEqual({
    ...{ time: expect.any(String), service: 'ledger', instance: 'ledger-2', level: 'warn' },
    ...{ message: 'dead letter', key: 'ord-1', slipId: 's-1' },
  });
});

it.each([
  ['Response GroupCoordinator(key: 10, version: 2)', 'The group coordinator is not available', 'warn'],
  ['Response InitProducerId(key: 22, version: 1)', 'The coordinator is loading', 'warn'],
  ['Restarting the consumer in 100ms', undefined, 'warn'],
  ['Response Produce(key: 0, version: 7)', 'This server is not the leader', 'error'],
])('calls %s, %s, an error only where kafkajs does not go on by itself', (message, error, level) => {
  const said: string[] = [];
  const say = (as: string) => () => void said.push(as);
  const forward = forwarder({ info: say('info'), warn: say('warn'), error: say('error') });
  const log = { message, timestamp: '', ...(error !== undefined && { error }) };
  forward({ level: logLevel.ERROR, namespace: 'Connection', label: 'ERROR', log } as LogEntry);
  expect(said).toEqual([level]);
});
