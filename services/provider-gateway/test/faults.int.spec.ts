import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { type Fault, type Simulator, startSimulator } from '@slipstream/provider-simulator';
import { waitFor } from '@slipstream/testing';
import {
  type CallbackHandling,
  type ReceivedCallback,
  receiveCallbacks,
} from '../src/application/receive-callbacks.ts';
import { openProviders } from '../src/providers/registry.ts';
import { inquiryRequested, recorded } from './support/events.ts';
import { grouped, Harness, providerRules, secret } from './support/harness.ts';

const environment = sharedEnvironment();

interface TruthRow {
  slip_id: string;
  executions: number;
  outcome: string | null;
}

describe('against the real simulator', () => {
  let gateway: Harness;
  let callbacks: Server;
  let simulator: Simulator;

  beforeAll(async () => {
    gateway = await Harness.open(environment().databaseUrl);
    callbacks = await startCallbacks(gateway);
    const shared = {
      secret,
      callback_url: `http://127.0.0.1:${(callbacks.address() as AddressInfo).port}/`,
      latency_ms: [0, 5] as const,
      answer_ms: [5, 30] as const,
      acceptance_delay_max_ms: 200,
    };
    simulator = await startSimulator({
      seed: 11,
      providers: [
        { ...shared, id: 'acme', mode: 'async' },
        { ...shared, id: 'bolt', mode: 'sync' },
        { ...shared, id: 'copper', mode: 'async' },
      ],
    });
    const rules = Object.entries(simulator.providers).map(([id, url]) =>
      providerRules(url, {
        ...{ id, connectTimeoutMs: 2_000, answerTimeoutMs: 1_000 },
        pollLadderMs: id === 'copper' ? [300, 1_000, 5_000, 20_000, 60_000] : [],
      }),
    );
    await gateway.startWorkers(rules, 'one');
    await gateway.startWorkers(rules, 'two');
  });

  afterAll(async () => {
    await gateway?.stop();
    await simulator?.stop();
    callbacks?.closeAllConnections();
    callbacks?.close();
  });

  /** Puts one fault (or none) in place of what was there and submits `n` slips; gives their ids. */
  async function play(
    fault: Fault | null,
    options: { provider?: string; n?: number; delayMs?: number } = {},
  ) {
    const { provider = 'acme', n = 5 } = options;
    const rule = { fault, delay_ms: options.delayMs ?? null };
    const put = await fetch(`${simulator.admin}/v1/rules`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault === null ? [] : [rule]),
    });
    expect(put.status).toBe(200);
    const slips = await Promise.all(Array.from({ length: n }, () => gateway.slip({ provider })));
    return slips;
  }

  async function truthOf(slips: readonly string[]): Promise<TruthRow[]> {
    const { data } = (await (await fetch(`${simulator.admin}/v1/truth`)).json()) as { data: TruthRow[] };
    return data.filter((row) => slips.includes(row.slip_id));
  }

  /** Asks as the reconciler would until the slip has returned or is proved not executed. */
  async function climb(slipId: string): Promise<'returned' | 'not_executed'> {
    const untilMs = performance.now() + 90_000;
    for (let n = 1; performance.now() < untilMs; n += 1) {
      await gateway.feed(recorded(slipId, inquiryRequested(n)));
      await waitFor(
        async () =>
          (await gateway.published(slipId)).some(
            (event) => event.type === 'InquiryAnswered' && event.data.inquiry === n,
          ),
        { what: `the answer to inquiry ${n}` },
      );
      const events = await gateway.published(slipId);
      if (events.some((event) => event.type === 'SlipReturned')) return 'returned';
      if (events.some((event) => event.type === 'InquiryAnswered' && event.data.provesNotExecuted)) {
        return 'not_executed';
      }
    }
    throw new Error(`${slipId} found no end: ${await gateway.types(slipId)}`);
  }

  const returning: [Fault | null, string, string][] = [
    [null, 'acme', 'signed_callback'],
    [null, 'bolt', 'synchronous_reply'],
    ['duplicate_callback', 'acme', 'signed_callback'],
    ['forged_callback', 'acme', 'signed_callback'],
    ['reordered_callback', 'acme', 'signed_callback'],
    ['amount_changed', 'acme', 'signed_callback'],
    ['currency_changed', 'bolt', 'synchronous_reply'],
  ];

  test.each(returning)('%s at %s returns by %s', async (fault, provider, evidence) => {
    const slips = await play(fault, { provider });
    for (const slip of slips) {
      const returned = await gateway.event(slip, 'SlipReturned');
      expect(returned).toMatchObject({ provider, outcome: 'succeeded', evidence });
      const amount = fault === 'amount_changed' ? 1251n : 1250n;
      // As the provider told it: what follows from it is for the ledger and for people.
      expect(returned.amount).toEqual({ amount, currency: fault === 'currency_changed' ? 'JPY' : 'EUR' });
    }
    await waitFor(async () => (await truthOf(slips)).every((row) => row.outcome !== null), {
      what: 'all callbacks',
    });
    for (const slip of slips) {
      const types = await gateway.types(slip);
      expect(types.filter((type) => type === 'SlipReturned')).toHaveLength(1);
      expectOneLeft(types);
      expect(types[0]).toBe('DispatchIntended');
      expect(types).not.toContain('DispatchUnanswered');
    }
    expect((await truthOf(slips)).map((row) => row.executions)).toEqual(slips.map(() => 1));
  });

  test('a rejection is a final answer with its reason', async () => {
    const slips = await play('reject');
    for (const slip of slips) {
      expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({
        outcome: 'failed',
        reason: 'AC04',
        evidence: 'synchronous_reply',
      });
    }
    expect((await truthOf(slips)).every((row) => row.executions === 0)).toBe(true);
  });

  /** fault, what the attempt ended as, the end after inquiries, executions */
  const unanswered: [Fault, string, string, number][] = [
    ['timeout_before_work', 'timeout', 'not_executed', 0],
    ['timeout_after_work', 'timeout', 'returned', 1],
    ['executes_late', 'timeout', 'returned', 1],
    ['error_500_before_work', 'server_error', 'not_executed', 0],
    ['error_500_after_work', 'server_error', 'returned', 1],
    ['garbage_body', 'garbage', 'returned', 1],
    ['redirect', 'redirect', 'not_executed', 0],
  ];

  test.each(unanswered)('%s is unanswered (%s), asked about (%s), and never sent again', async (...row) => {
    const [fault, reason, end, executions] = row;
    const slips = await play(fault);
    for (const slip of slips) {
      expect(await gateway.event(slip, 'DispatchUnanswered')).toMatchObject({ reason });
    }
    expect(await Promise.all(slips.map(climb))).toEqual(slips.map(() => end));
    for (const slip of slips) {
      const types = await gateway.types(slip);
      expectOneLeft(types);
      if (end === 'not_executed') expect(types).not.toContain('SlipReturned');
      else
        expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({
          evidence: 'inquiry_answer',
          outcome: 'succeeded',
        });
    }
    const truth = await truthOf(slips);
    expect(truth.map((one) => one.executions)).toEqual(truth.map(() => executions));
  });

  test('a lost callback is found by asking', async () => {
    const slips = await play('lost_callback');
    for (const slip of slips) await gateway.event(slip, 'SlipAcknowledged');
    expect(await Promise.all(slips.map(climb))).toEqual(slips.map(() => 'returned'));
    expect((await truthOf(slips)).map((row) => row.executions)).toEqual(slips.map(() => 1));
  });

  test('a lost callback is found by the poll ladder, before anybody asks', async () => {
    const slips = await play('lost_callback', { provider: 'copper' });
    for (const slip of slips) {
      expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ evidence: 'inquiry_answer' });
      expect(await gateway.types(slip)).not.toContain('InquiryAnswered');
      expect((await gateway.row(slip)).poll_at).toBeNull();
    }
    expect((await truthOf(slips)).map((row) => row.executions)).toEqual(slips.map(() => 1));
  });

  test('a call without an answer is proved not executed before anybody asks', async () => {
    const slips = await play('timeout_before_work', { n: 3 });
    for (const slip of slips) {
      expect(await gateway.event(slip, 'InquiryAnswered')).toMatchObject({
        ...{ inquiry: 0, answer: 'not_found', provesNotExecuted: true },
      });
      const statement = statementOf(await gateway.does.showCertificate(slip));
      const { digest, notAfter } = await gateway.event(slip, 'DispatchIntended');
      expect(statement).toMatchObject({
        ...{ claim: 'not_executed', slip: { id: slip }, attempts_made: 1 },
        attempts: [{ attempt: 1, digest, not_after: notAfter, end: 'not_found' }],
      });
      const said = statement.attempts[0]!.not_found.map(({ body }) => Buffer.from(body, 'base64').toString());
      expect(said.map((one) => JSON.parse(one))).toMatchObject([
        { status: 'not_found' },
        { status: 'not_found' },
      ]);
    }
    expect((await truthOf(slips)).map((row) => row.executions)).toEqual(slips.map(() => 0));
  });

  test('an early NOT_FOUND about an acknowledged slip proves nothing', async () => {
    const slips = await play('not_found_early');
    // Asked before it was sent at all, a slip would rightly be closed as never sent.
    for (const slip of slips) await gateway.event(slip, 'SlipAcknowledged');
    expect(await Promise.all(slips.map(climb))).toEqual(slips.map(() => 'returned'));
    for (const slip of slips) {
      const answers = (await gateway.published(slip)).filter((event) => event.type === 'InquiryAnswered');
      expect(answers.some((event) => event.data.provesNotExecuted)).toBe(false);
    }
    expect((await truthOf(slips)).map((row) => row.executions)).toEqual(slips.map(() => 1));
  });

  test('a slow drip does not stretch the answer time', async () => {
    const slips = await play('slow_drip', { provider: 'bolt' });
    for (const slip of slips) {
      expect(await gateway.event(slip, 'DispatchUnanswered')).toMatchObject({ reason: 'timeout' });
    }
    expect(await Promise.all(slips.map(climb))).toEqual(slips.map(() => 'returned'));
    expect((await truthOf(slips)).map((row) => row.executions)).toEqual(slips.map(() => 1));
  });

  test('while connections are refused nothing leaves, and the slip is sent once they are taken again', async () => {
    const slips = await play('refuse_connection');
    for (const slip of slips) {
      expect(await gateway.event(slip, 'DispatchNotSent')).toMatchObject({ reason: 'connection_refused' });
    }
    await play(null, { n: 0 });
    for (const slip of slips) await gateway.event(slip, 'SlipReturned');
    for (const slip of slips) {
      const types = await gateway.types(slip);
      expectOneLeft(types);
    }
    expect((await truthOf(slips)).map((row) => row.executions)).toEqual(slips.map(() => 1));
  });

  test('what was refused until its deadline is closed as never sent, and stays so', async () => {
    await play('refuse_connection', { n: 0 });
    const slip = await gateway.slip({ deadlineMs: 1_000 });
    await waitFor(async () => (await gateway.row(slip)).next_at === null, {
      what: 'its deadline',
    });
    await gateway.feed(recorded(slip, inquiryRequested(1)));
    expect(await gateway.event(slip, 'InquiryAnswered')).toMatchObject({
      answer: 'never_sent',
      provesNotExecuted: true,
    });
    await play(null, { n: 1 });
    expect(await gateway.row(slip)).toMatchObject({ closed_for_dispatch: true, next_at: null });
    expect(await truthOf([slip])).toEqual([]);
  });

  test('both instances made calls', async () => {
    const owners = new Set<string>();
    const shared = async () => {
      await play(null, { n: 10 });
      const rows = await gateway.unitOfWork.query<{ owner: string }>(
        'select distinct owner from dispatch where owner is not null',
      );
      for (const { owner } of rows) owners.add(owner);
      return owners.has('one') && owners.has('two');
    };
    await waitFor(shared, { what: 'both instances to take slips' });
    expect(gateway.errors).toEqual([]);
  });
});

/** Every attempt but the last was provably not sent (on a busy machine a connection may take too long). */
function expectOneLeft(types: readonly string[]): void {
  const intended = types.filter((type) => type === 'DispatchIntended').length;
  const notSent = types.filter((type) => type === 'DispatchNotSent').length;
  expect(intended).toBe(notSent + 1);
}

/** Takes the simulator's callbacks as the service does, without its HTTP host. */
async function startCallbacks(gateway: Harness): Promise<Server> {
  const providers = openProviders([providerRules('http://127.0.0.1:1')]);
  const { read } = providers.get('acme')!.callbackReader!;
  const { store, count } = gateway;
  const group = grouped<ReceivedCallback, CallbackHandling>((batch) =>
    receiveCallbacks({ store, providers, count }, batch),
  );
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    try {
      const { webhookId, message } = read(body, request.headersDistinct);
      const provider = (JSON.parse(body.toString()).data.provider_id as string).split('-')[0]!;
      await group.submit({ provider, webhookId, body, message });
      response.writeHead(202).end();
    } catch {
      response.writeHead(401).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

interface Statement {
  readonly attempts: readonly { readonly not_found: readonly { readonly body: string }[] }[];
}

/** What a certificate says; its signature is checked by the program that is made for it. */
function statementOf(envelope: string | null): Statement {
  const { payload } = JSON.parse(envelope!) as { payload: string };
  return JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
}
