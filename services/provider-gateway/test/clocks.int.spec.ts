import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sharedEnvironment, stepClock } from '@slipstream/environment';
import { type Simulator, startSimulator } from '@slipstream/provider-simulator';
import { waitFor } from '@slipstream/testing';
import { Harness, providerRules, secret } from './support/harness.ts';

const environment = sharedEnvironment();
let gateway: Harness;
let simulator: Simulator;

beforeEach(async () => {
  gateway = await Harness.open(environment().databaseUrl);
  simulator = await startSimulator({
    seed: 5,
    providers: [
      {
        id: 'acme',
        mode: 'sync',
        secret,
        callback_url: 'http://127.0.0.1:1/',
        latency_ms: [0, 5],
        answer_ms: [5, 10],
      },
    ],
  });
});
afterEach(async () => {
  await gateway?.stop();
  await simulator?.stop();
});

const rules = () => [
  providerRules(simulator.providers.acme!, { connectTimeoutMs: 5_000, answerTimeoutMs: 20_000 }),
];
const returned = async (slips: readonly string[]) => {
  const found = await Promise.all(slips.map((slip) => gateway.types(slip)));
  return found.filter((types) => types.includes('SlipReturned')).length;
};

test('a clock that jumps ahead for a while gives up no slip: all are sent when it is right again', async () => {
  await stepClock(gateway.databaseUrl, 60_000);
  const slips = await Promise.all(Array.from({ length: 12 }, () => gateway.slip({ deadlineMs: 50_000 })));
  const work = await gateway.startWorkers(rules());
  await waitFor(
    async () => (await gateway.unitOfWork.query("select from dispatch where status = 'held'")).length === 12,
    { what: 'twelve slips that are held' },
  );
  expect(await returned(slips)).toBe(0);
  await stepClock(gateway.databaseUrl, 0);
  work.wake({ calls: 12, inquiries: 0 });
  await waitFor(async () => (await returned(slips)) === 12, { what: 'twelve answers' });
  const late = await gateway.unitOfWork.query<{ n: string }>(
    "select count(*) as n from outbox_event where received_at > clock_timestamp() + interval '5 seconds'",
  );
  expect(late).toEqual([{ n: '0' }]);
});

test('nothing is sent and nothing given up while the clocks lie apart', async () => {
  gateway.clockTrouble = 'clocks lie 10000 ms apart';
  const work = await gateway.startWorkers(rules());
  const slip = await gateway.slip({ deadlineMs: 60_000 });
  expect(await gateway.types(slip)).toEqual([]);
  gateway.clockTrouble = null;
  work.wake({ calls: 12, inquiries: 0 });
  await waitFor(async () => (await returned([slip])) === 1, { what: 'the answer' });
});

test('an answer counts from the real time, also where the sequencer was left ahead by ten minutes', async () => {
  await gateway.unitOfWork.query(
    "update sequencer set last_time = clock_timestamp() + interval '10 minutes'",
  );
  await gateway.startWorkers(rules());
  const slips = await Promise.all(Array.from({ length: 39 }, () => gateway.slip({ deadlineMs: 40_000 })));
  await waitFor(async () => (await returned(slips)) === 39, { what: 'the answers' });
  const rows = await gateway.unitOfWork.query<{ late: string }>(
    'select count(*) as late from outbox_event o join dispatch d on d.slip_id = o.key where o.received_at > d.deadline',
  );
  expect(rows).toEqual([{ late: '0' }]);
});
