import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { startSimulator } from '@slipstream/provider-simulator';
import type { DataOf } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { dispatch } from '../src/domain/dispatch/spec-support.ts';
import { openProviders } from '../src/providers/registry.ts';
import { recorded } from './support/events.ts';
import { Harness, providerRules } from './support/harness.ts';

const environment = sharedEnvironment();
const key = 'an-api-key-of-the-provider';
const head = 'order_ref,provider_id,state,amount_minor,currency,booked_at';

/** A provider that takes orders in silence, says nothing when it is asked, and tells all in a statement. */
class Orders {
  /** What it answers to an order; null: nothing. */
  state: string | null = null;
  lines: readonly string[] = [];
  /** HTTP statuses of the first statements that are asked for. */
  failures: number[] = [];
  readonly fetched: string[] = [];
  /** Statements wait until it is settled. */
  release: Promise<void> = Promise.resolve();
  readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', async () => {
      const day = /\/v2\/statements\/(.+)$/.exec(request.url!)?.[1];
      if (day !== undefined) {
        this.fetched.push(day);
        await this.release;
        const failure = this.failures.shift();
        if (failure !== undefined) return response.writeHead(failure).end();
        return response.writeHead(200).end([head, ...this.lines, ''].join('\r\n'));
      }
      if (request.method === 'GET') return response.writeHead(503).end();
      if (this.state === null) return request.socket.destroy();
      const { order_ref } = JSON.parse(Buffer.concat(chunks).toString()) as { order_ref: string };
      const told = {
        state: this.state,
        provider_id: `b-${order_ref}`,
        amount_minor: '1250',
        currency: 'EUR',
      };
      return response.writeHead(200).end(JSON.stringify({ order_ref, ...told }));
    });
  });
}

let gateway: Harness;
let orders: Orders;
beforeEach(async () => {
  gateway = await Harness.open(environment().databaseUrl);
  orders = new Orders();
  await new Promise<void>((resolve) => orders.server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await gateway.stop();
  orders.server.closeAllConnections();
  orders.server.close();
});

const start = (owner: string, reads: boolean) =>
  gateway.startWorkers(
    [
      providerRules(`http://127.0.0.1:${(orders.server.address() as AddressInfo).port}`, {
        ...{ protocol: 'poll-statement', secrets: { current: key, next: null }, acceptanceDelayMaxMs: null },
        ...{ connectTimeoutMs: 5_000, answerTimeoutMs: 5_000 },
        statement: reads ? { zone: 'UTC', availableAt: '00:00' } : null,
      }),
    ],
    owner,
  );

const line = (slip: string, more: Partial<Record<'id' | 'state' | 'amount' | 'currency', string>> = {}) => {
  const { id = `b-${slip}`, state = 'executed', amount = '1250', currency = 'EUR' } = more;
  return [slip, id, state, amount, currency, '2026-11-22T10:00:00Z'].join(',');
};

/** Slips whose call got this answer; null: none. */
async function slips(n: number, state: string | null): Promise<string[]> {
  orders.state = state;
  const all = await Promise.all(Array.from({ length: n }, () => gateway.slip()));
  const end =
    state === null ? 'DispatchUnanswered' : state === 'accepted' ? 'SlipAcknowledged' : 'SlipReturned';
  for (const slip of all) await gateway.event(slip, end);
  return all;
}

const rows = () =>
  gateway.unitOfWork.query<{
    read_at: string | null;
    handled: number;
    unmatched: number;
    problem: string | null;
  }>('select read_at, handled, unmatched, problem from statement order by day');
const isRead = () =>
  waitFor(
    async () => {
      const all = await rows();
      return all.length > 0 && all.every((row) => row.read_at !== null);
    },
    { what: 'the statement to be read' },
  );
const unmatched = async () =>
  (await gateway.does.showUnmatched({ kind: 'statement_line', reason: null, sender: null }, null, 50)).data;

test('ends what got no answer, by the strongest evidence; it is fetched once, by one of the instances', async () => {
  await start('one', false);
  const silent = await slips(3, null);
  const [accepted] = await slips(1, 'accepted');
  orders.lines = [
    ...silent.map((slip, index) => line(slip, index === 2 ? { state: 'declined' } : {})),
    line(accepted!, { amount: '1200' }),
  ];
  await start('two', true);
  await start('three', true);
  const outcomes = ['succeeded', 'succeeded', 'failed', 'succeeded'];
  for (const [index, slip] of [...silent, accepted!].entries()) {
    expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({
      ...{ outcome: outcomes[index], evidence: 'statement_line', providerReference: `b-${slip}` },
      ...{
        providerTime: '2026-11-22T10:00:00.000000Z',
        amount: { amount: index === 3 ? 1200n : 1250n, currency: 'EUR' },
      },
    });
  }
  await isRead();
  expect(await rows()).toMatchObject([{ handled: 4, unmatched: 0, problem: null }]);
  expect(orders.fetched).toHaveLength(1);
  const [view] = await gateway.does.showProviders();
  expect(view!.statements).toMatchObject([
    { day: orders.fetched[0], status: 'read', lines: 4, problem: null },
  ]);
  expect(gateway.errors).toEqual([]);
});

test('tells what it says against what was told, each thing once, and nothing of what it says again', async () => {
  await start('one', false);
  const [same, failed, other, twice, unheard] = await slips(5, 'executed');
  orders.lines = [
    line(same!),
    line(failed!, { state: 'declined' }),
    line(other!, { amount: '1300' }),
    line(twice!),
    line(twice!, { id: 'b-2' }),
    line(unheard!, { state: 'perhaps' }),
  ];
  await start('two', true);
  await isRead();
  const told = async (slip: string) =>
    (await gateway.published(slip)).filter(
      ({ data }) => 'evidence' in data && data.evidence === 'statement_line',
    );
  expect(await told(same!)).toEqual([]);
  expect(await told(failed!)).toMatchObject([{ type: 'SlipReturned', data: { outcome: 'failed' } }]);
  expect(await told(other!)).toMatchObject([{ type: 'SlipReturned', data: { amount: { amount: 1300n } } }]);
  expect(await told(twice!)).toMatchObject([{ type: 'SlipReturned', data: { providerReference: 'b-2' } }]);
  expect(await told(unheard!)).toMatchObject([{ type: 'AnswerDoubted', data: { said: 'perhaps' } }]);
});

test('a line without a slip, or that cannot be read, costs itself alone: it is listed with its place', async () => {
  await start('one', false);
  const [first, last] = await slips(2, null);
  orders.lines = [line(first!), line('s-unknown'), `${first},b-1,executed`, line('s-null\0'), line(last!)];
  await start('two', true);
  await isRead();
  for (const slip of [first!, last!]) await gateway.event(slip, 'SlipReturned');
  expect(await rows()).toMatchObject([{ handled: 5, unmatched: 3 }]);
  const day = orders.fetched[0];
  const sender = 'acme';
  expect(await unmatched()).toMatchObject([
    { sender, id: `${day}:3`, reason: 'unknown_slip', slipId: 's-unknown', said: line('s-unknown') },
    {
      sender,
      id: `${day}:4`,
      reason: 'unreadable',
      slipId: null,
      said: `it has 3 fields and not 6: ${first},b-1,executed`,
    },
    { sender, id: `${day}:5`, reason: 'unreadable', said: expect.stringContaining('no order_ref') },
  ]);
  expect(gateway.counted.get('unmatched_statement_line')).toBe(3);
});

test('of a statement that took the place of another only the lines are listed that it has', async () => {
  await start('one', false);
  const [slip] = await slips(1, null);
  orders.lines = [line('s-unknown'), line('s-gone'), line(slip!)];
  await start('two', true);
  await isRead();
  expect((await unmatched()).map(({ slipId }) => slipId)).toEqual(['s-unknown', 's-gone']);
  orders.lines = [line(slip!), line('s-unknown')];
  await gateway.unitOfWork.query('update statement set read_at = null');
  await isRead();
  expect((await unmatched()).map(({ slipId }) => slipId)).toEqual(['s-unknown']);
  expect(await rows()).toMatchObject([{ handled: 2, unmatched: 1 }]);
});

describe('a statement that cannot be had', () => {
  test('is shown with the reason, and tried again until it is there', async () => {
    await start('one', false);
    const [slip] = await slips(1, null);
    orders.lines = [line(slip!)];
    orders.failures = [404, 503];
    await start('two', true);
    for (const problem of ['HTTP 404', 'HTTP 503']) {
      await waitFor(async () => (await rows())[0]?.problem === problem, { what: problem });
      expect((await gateway.does.showProviders())[0]!.statements).toMatchObject([{ status: 'due', problem }]);
      await gateway.unitOfWork.query('update statement set next_at = clock_timestamp()');
    }
    await isRead();
    expect(await gateway.event(slip!, 'SlipReturned')).toMatchObject({ evidence: 'statement_line' });
  });

  test('because another day’s is given in its place, is put off until it is its own', async () => {
    await start('one', false);
    const [first, second] = await slips(2, null);
    orders.lines = [line(first!)];
    await start('two', true);
    await isRead();
    const found = await gateway.unitOfWork.query<{ day: string }>('select day::text from statement');
    const { day } = found[0]!;
    await gateway.unitOfWork.query(`insert into statement (provider, day) values ('acme', $1::date - 1)`, [
      day,
    ]);
    const problem = `it is the statement of ${day} once more`;
    await waitFor(async () => (await rows())[0]!.problem === problem, { what: problem });
    orders.lines = [line(second!)];
    await gateway.unitOfWork.query('update statement set next_at = clock_timestamp()');
    await isRead();
    expect(await gateway.event(second!, 'SlipReturned')).toMatchObject({ evidence: 'statement_line' });
    // Days without a line are alike, and each is read.
    orders.lines = [];
    for (const before of [2, 3]) {
      await gateway.unitOfWork.query(
        `insert into statement (provider, day) values ('acme', $1::date - $2::int)`,
        [day, before],
      );
      await isRead();
    }
  });

  test('is not asked for while nobody can trust the clocks: nobody knows which day is over', async () => {
    gateway.clockTrouble = 'too far apart';
    await start('one', true);
    expect(await gateway.does.readStatements()).toBe(0);
    expect(orders.fetched).toEqual([]);
    gateway.clockTrouble = null;
    await isRead();
  });
});

describe('a statement whose reader stood still', () => {
  test('is not read by it any more once another one has it', async () => {
    await start('one', false);
    const [slip] = await slips(1, null);
    orders.lines = [line(slip!)];
    const gate = Promise.withResolvers<void>();
    orders.release = gate.promise;
    await start('two', true);
    await waitFor(() => orders.fetched.length > 0, { what: 'the first reader' });
    await gateway.unitOfWork.query(
      `update statement set tries = tries + 1, lease_until = clock_timestamp() + interval '1 hour'`,
    );
    gate.resolve();
    await waitFor(() => gateway.calls.some(({ call }) => call === 'statement'), { what: 'its answer' });
    expect(await gateway.does.readStatements()).toBe(0);
    expect(await rows()).toMatchObject([{ read_at: null, handled: 0 }]);
    expect(await gateway.types(slip!)).not.toContain('SlipReturned');
  });

  test('is gone on with behind the lines that were handled, if it is still the same', async () => {
    await start('one', false);
    const [first, second] = await slips(2, null);
    orders.lines = [line(first!), line(second!)];
    await start('two', true);
    await isRead();
    // As if it had died behind the first line, and nothing had been told of either.
    await gateway.unitOfWork.query(
      `update dispatch set status = 'unanswered', outcome = null, evidence = null, told = '{}'`,
    );
    await gateway.unitOfWork.query('update statement set read_at = null, handled = 1');
    await isRead();
    const returns = async (slip: string) =>
      (await gateway.types(slip)).filter((type) => type === 'SlipReturned').length;
    expect([await returns(first!), await returns(second!)]).toEqual([1, 2]);
    // And from its beginning, if it is not.
    await gateway.unitOfWork.query('update statement set read_at = null, handled = 2');
    orders.lines = [line(first!, { amount: '1300' }), line(second!)];
    await isRead();
    await waitFor(async () => (await returns(first!)) === 2, { what: 'the changed line' });
    expect(await returns(second!)).toBe(2);
  });
});

test('what the simulator tells of a day is read as it means it', async () => {
  const simulator = await startSimulator({
    seed: 5,
    providers: [
      { id: 'acme', mode: 'polled', secret: key, latency_ms: [0, 5], answer_ms: [5, 10], failure_rate: 0 },
    ],
  });
  const rules = providerRules(simulator.providers.acme!, {
    ...{ protocol: 'poll-statement', secrets: { current: key, next: null } },
    ...{ connectTimeoutMs: 5_000, answerTimeoutMs: 5_000, statement: { zone: 'UTC', availableAt: '00:00' } },
  });
  const provider = openProviders([rules]).get('acme')!;
  try {
    const slip = dispatch();
    await provider.send(provider.prepare(slip), performance.now() + 5_000);
    const today = () => new Date().toISOString().slice(0, 10);
    const lines = await waitFor(
      async () => {
        const fetched = await provider.statements!.fetch(today());
        if (fetched.kind !== 'statement') throw new Error(fetched.detail);
        const all = [...fetched.lines];
        return all.length > 0 && all;
      },
      { what: 'a line' },
    );
    expect(lines).toMatchObject([
      {
        ...{ line: 2, slipId: slip.slipId },
        answer: {
          ...{ kind: 'returned', outcome: 'succeeded', amount: slip.amount, reason: null },
          providerTime: expect.stringMatching(new RegExp(`^${today()}T`)),
        },
      },
    ]);
  } finally {
    await provider.close();
    await simulator.stop();
  }
});

describe('a line of a statement that reconciliation has matched', () => {
  const matched = (slipId: string, more: Partial<DataOf<'StatementLineMatched'>> = {}) =>
    recorded(slipId, {
      type: 'StatementLineMatched',
      data: {
        ...{ statement: 's-1', line: 7, provider: 'acme', outcome: 'succeeded', reason: null, fee: null },
        ...{ amount: { amount: 1250n, currency: 'EUR' }, providerReference: null, bookedOn: '2026-11-22' },
        ...more,
      },
    });
  const returns = async (slip: string) =>
    (await gateway.published(slip)).filter(({ type }) => type === 'SlipReturned');

  test('is the answer of a slip that got none, of the first rank', async () => {
    await start('one', false);
    const [silent] = await slips(1, null);
    await gateway.feed(
      matched(silent!, { fee: { amount: 12n, currency: 'EUR' }, providerReference: 'bank-1' }),
    );
    expect((await returns(silent!)).map(({ data }) => data)).toMatchObject([
      {
        ...{
          provider: 'acme',
          outcome: 'succeeded',
          evidence: 'statement_line',
          providerReference: 'bank-1',
        },
        ...{ amount: { amount: 1250n, currency: 'EUR' }, fee: { amount: 12n, currency: 'EUR' } },
      },
    ]);
  });

  test('says nothing new of what is known, and tells what came back', async () => {
    await start('one', false);
    const [known] = await slips(1, 'executed');
    await gateway.feed(matched(known!), matched(known!, { amount: null }));
    expect(await returns(known!)).toHaveLength(1);
    await gateway.feed(matched(known!, { outcome: 'failed', reason: 'AC04' }));
    expect((await returns(known!)).map(({ data }) => data)).toMatchObject([
      { outcome: 'succeeded' },
      { outcome: 'failed', reason: 'AC04', evidence: 'statement_line' },
    ]);
  });

  test('tells each part that came back, by its day, and none of them again', async () => {
    await start('one', false);
    const [known] = await slips(1, 'executed');
    const part = (amount: bigint, bookedOn: string) =>
      matched(known!, { outcome: 'failed', amount: { amount, currency: 'EUR' }, bookedOn });
    const parts = [part(300n, '2026-11-23'), part(300n, '2026-11-24'), part(650n, '2026-11-24')];
    await gateway.feed(...parts, ...parts);
    expect((await returns(known!)).slice(1).map(({ data }) => data)).toMatchObject([
      { outcome: 'failed', amount: { amount: 300n }, bookedOn: '2026-11-23' },
      { outcome: 'failed', amount: { amount: 300n }, bookedOn: '2026-11-24' },
      { outcome: 'failed', amount: { amount: 650n }, bookedOn: '2026-11-24' },
    ]);
  });

  test('of another provider is about nothing that it was given', async () => {
    await start('one', false);
    const [silent] = await slips(1, null);
    await gateway.feed(matched(silent!, { provider: 'other' }));
    expect(await returns(silent!)).toEqual([]);
    expect(gateway.counted.get('orphan_callback')).toBe(1);
  });
});
