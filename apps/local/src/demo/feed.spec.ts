import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Summary } from '@slipstream/checker';
import type { Stack } from '../stack/stack.ts';
import { runDemoFeed } from './feed.ts';

const summary: Summary = {
  ...{ slips: 4, returned: 4, recovered: 0, not_returned: 0, refunded: 0, rejected: 0, open_cases: 0 },
  ...{ boundary: 0, false_alarms: 0, missed: 0, lost_events: 0, ledger_balanced: true },
  ...{ executed_twice: 0, money_differs: 0, stuck: 0, verdict_differs: 0, parked: 0 },
  ...{ read_not_durable: 0, lost_with_process: 0, evidence_delay_ms: null },
};
const told = { ...summary, incidents: 0, own_incidents: 0, outage_slips: 0, incident_differs: 0 };
const check = async () => ({ summary, due: true, findings: [] });
const feed = { slips: 4, overMs: 20, endTimeoutMs: 50, check };

/** Intake, ledger and simulator as the feed sees them. */
let server: Server;
let stack: Stack;
let refused: (reference: string) => boolean;
let status: (reference: string) => string;
let said: string[];
let printed: string[];

beforeEach(async () => {
  const slips: string[] = [];
  refused = () => false;
  status = () => 'settled';
  server = createServer(async (request, response) => {
    const body = JSON.parse((await request.setEncoding('utf8').toArray()).join('') || 'null');
    if (request.method === 'POST' && refused(body.reference)) return response.writeHead(422).end('no');
    if (request.method === 'POST') slips.push(body.reference);
    const data = slips.map((reference) => ({ reference, status: status(reference), case: null }));
    response.writeHead(request.method === 'POST' ? 202 : 200);
    response.end(JSON.stringify({ id: 'x', data, next: null }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = {
    INTAKE_URL: url,
    LEDGER_URL: url,
    RECONCILIATION_URL: url,
    KAFKA_BROKERS: 'unused:1',
    DATABASE_URL: 'unused',
  };
  stack = { env, services: { outages: () => [] }, simulatorUrl: url, logsDir: '/logs' } as unknown as Stack;
  said = [];
  printed = [];
  jest.spyOn(console, 'error').mockImplementation((line) => void said.push(String(line)));
  jest.spyOn(console, 'log').mockImplementation((line) => void printed.push(String(line)));
});

afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
  server.closeAllConnections();
  server.close();
});

describe('the demo feed with --exit', () => {
  test('ends with the summary', async () => {
    await runDemoFeed(stack, { ...feed, exit: true });
    expect(printed).toEqual([JSON.stringify(told)]);
    expect(process.exitCode).toBeUndefined();
  });

  test('ends with the summary when a slip does not end, names it, and makes the exit code 1', async () => {
    status = (reference) => (reference.endsWith('-0002') ? 'held' : 'settled');
    await runDemoFeed(stack, { ...feed, exit: true });
    expect(said.join('\n')).toMatch(/4 of 4 slips, 1 not ended\n {2}demo-\w+-0002 held\n/);
    expect(printed).toEqual([JSON.stringify(told)]);
    expect(process.exitCode).toBe(1);
  });

  test('ends with the summary when a slip is refused, waits for the others, and makes the exit code 1', async () => {
    refused = (reference) => reference.endsWith('-0003');
    await runDemoFeed(stack, { ...feed, exit: true });
    expect(said.join('\n')).toMatch(/intake refused demo-\w+-0003: 422 no/);
    expect(said.join('\n')).not.toMatch(/not ended/);
    expect(printed).toEqual([JSON.stringify(told)]);
    expect(process.exitCode).toBe(1);
  });

  test('asks the checker again when it could not read', async () => {
    let asked = 0;
    const once = async () => {
      if (++asked === 1) throw new Error('the ledger is restarting');
      return check();
    };
    await runDemoFeed(stack, { ...feed, exit: true, check: once });
    expect(printed).toEqual([JSON.stringify(told)]);
  });
});

test('without --exit everything stays up, even when the feed cannot start', async () => {
  stack = { ...stack, simulatorUrl: 'http://127.0.0.1:9' };
  const up = runDemoFeed(stack, { ...feed, exit: false }).then(() => 'ended');
  const stayed = (async () => {
    while (!said.some((line) => line.includes('everything stays up'))) await new Promise(setImmediate);
    return 'up';
  })();
  expect(await Promise.race([up, stayed])).toBe('up');
  expect(said.join('\n')).toMatch(/The feed broke off: /);
});
