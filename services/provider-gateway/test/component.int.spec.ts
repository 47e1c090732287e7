import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sources, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { addMs } from '@slipstream/kernel';
import { type Simulator, startSimulator } from '@slipstream/provider-simulator';
import type { Service } from '@slipstream/service-host';
import { evolve, initialState, type RecordedEvent, type SlipState } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { Webhook } from 'standardwebhooks';
import { v7 } from 'uuid';
import { fundsHeld, inquiryRequested, recorded, submitted } from './support/events.ts';
import { freePorts, GatewayUnderTest, now } from './support/gateway-under-test.ts';
import { secret } from './support/harness.ts';
import { executionsAt, outcomesAt } from './support/simulated.ts';

let gateway: GatewayUnderTest;
let simulator: Simulator;
let one: Service;
let two: Service;

beforeAll(async () => {
  gateway = await GatewayUnderTest.open();
  const [port] = await freePorts(1);
  const shared = {
    secret,
    latency_ms: [0, 5] as const,
    answer_ms: [5, 40] as const,
    acceptance_delay_max_ms: 200,
  };
  const url = `http://127.0.0.1:${port}/v1/callbacks`;
  simulator = await startSimulator({
    seed: 5,
    providers: [
      { ...shared, id: 'acme', callback_url: `${url}/acme` },
      { ...shared, id: 'bolt', mode: 'sync', callback_url: `${url}/bolt` },
    ],
  });
  one = await gateway.start(simulator.providers, port);
  two = await gateway.start(simulator.providers);
}, 400_000);

afterAll(async () => {
  await gateway?.stop();
  await simulator?.stop();
});

async function faults(...rules: object[]): Promise<void> {
  const response = await fetch(`${simulator.admin}/v1/rules`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rules),
  });
  expect(response.status).toBe(200);
}

async function send(provider = 'acme'): Promise<string> {
  const slipId = v7();
  await gateway.publish(
    recorded(slipId, submitted({ provider, route: provider })),
    recorded(slipId, fundsHeld),
  );
  return slipId;
}

function fold(events: readonly RecordedEvent[]): SlipState {
  return events.reduce<SlipState>(
    (state, event) => evolve(state, event),
    initialState(events[0]!.slipId, events[0]!.clock),
  );
}

describe('a slip through Kafka, a provider and back', () => {
  test.each(['acme', 'bolt'])('is dispatched once by %s and returns', async (provider) => {
    const slipId = await send(provider);
    await gateway.has(slipId, 'SlipReturned');
    const log = gateway.of(slipId);
    expect(fold(log)).toMatchObject({ status: 'returned', outcome: 'succeeded', anomalies: [] });
    expect((await executionsAt(simulator)).get(slipId)).toBe(1);
  });

  test('many slips under many faults: two instances share them, each is executed at most once and has one end', async () => {
    await faults(
      { fault: 'timeout_after_work', rate: 0.15 },
      { fault: 'timeout_before_work', rate: 0.15 },
      { fault: 'lost_callback', rate: 0.2 },
      { fault: 'refuse_connection', rate: 0.1 },
      { fault: 'duplicate_callback', rate: 0.3 },
      { fault: 'error_500_after_work', rate: 0.2 },
    );
    const slips = await Promise.all(
      Array.from({ length: 120 }, (_, index) => send(index % 2 ? 'acme' : 'bolt')),
    );
    const ended = (slipId: string) =>
      gateway
        .of(slipId)
        .some(
          ({ event }) =>
            event.type === 'SlipReturned' ||
            (event.type === 'InquiryAnswered' && event.data.provesNotExecuted),
        );
    const untilMs = performance.now() + 90_000;
    for (let n = 1; performance.now() < untilMs; n += 1) {
      const open = slips.filter((slipId) => !ended(slipId));
      if (open.length === 0) break;
      const answered = (slipId: string) =>
        gateway.of(slipId).some(({ event }) => event.type === 'InquiryAnswered' && event.data.inquiry === n);
      await gateway.publish(...open.map((slipId) => recorded(slipId, inquiryRequested(n))));
      await waitFor(() => open.every(answered), { what: `answers to inquiry ${n}` });
    }
    await faults();
    const real = await executionsAt(simulator);
    for (const slipId of slips) {
      const state = fold(gateway.of(slipId));
      const executions = real.get(slipId) ?? 0;
      expect({ slipId, ended: ended(slipId), executions: state.outcome === 'succeeded' ? 1 : 0 }).toEqual({
        slipId,
        ended: true,
        executions,
      });
      expect(state.conflict).toBe(false);
      expect(gateway.of(slipId).filter(({ event }) => event.type === 'SlipReturned').length).toBeLessThan(2);
    }
    const owners = new Set<string>();
    const shared = async () => {
      await send();
      const { rows } = await gateway.database.query<{ owner: string }>(
        'select distinct owner from dispatch where owner is not null',
      );
      for (const { owner } of rows) owners.add(owner);
      return owners.size === 2;
    };
    await waitFor(shared, { what: 'both instances to take slips' });
  });

  test('what this service publishes is numbered without gaps, and time never goes back', () => {
    const mine = gateway.events.filter((event) => event.source === sources.gateway);
    const byPartition = Map.groupBy(mine, (event) => partitionOf(event.slipId, topics.events.partitions));
    expect(byPartition.size).toBeGreaterThan(6);
    for (const events of byPartition.values()) {
      expect(events.map((event) => Number(event.sequence))).toEqual(events.map((_, index) => index + 1));
      const times = events.map((event) => event.time);
      expect(times).toEqual(times.toSorted());
    }
  });
});

describe('reported results', () => {
  const reported = (reference: string) =>
    submitted({ caller: 'importer', reference, mode: 'reported', provider: null, route: 'import' });

  test('that came before the slip are told when it is held, with the broker’s time as their receipt', async () => {
    const [slipId, reference] = [v7(), `r-${v7()}`];
    await gateway.report(reference, { step: 'returned', outcome: 'failed', reason: 'AM04' });
    const isParked = async () =>
      (await gateway.database.query('select 1 from parked_result where reference = $1', [reference]))
        .rowCount === 1;
    await waitFor(isParked, { what: 'the result to be parked' });
    await gateway.publish(recorded(slipId, reported(reference)), recorded(slipId, fundsHeld));
    const returned = await gateway.has(slipId, 'SlipReturned');
    expect(returned.event.data).toMatchObject({ evidence: 'report', outcome: 'failed', reason: 'AM04' });
    expect(returned.receivedTime < returned.time).toBe(true);
    expect(fold(gateway.of(slipId)).anomalies).toEqual([]);
  });

  test('that cannot be taken are set aside, and the others flow', async () => {
    const dispatched = v7();
    await gateway.publish(
      recorded(dispatched, submitted({ caller: 'importer', reference: `d-${dispatched}` })),
      recorded(dispatched, fundsHeld),
    );
    await gateway.has(dispatched, 'SlipReturned');
    const before = gateway.of(dispatched);
    await gateway.sendResult('bad-1', Buffer.from('no protobuf'));
    await gateway.sendResult('bad-2', Buffer.alloc(0));
    await gateway.report(`d-${dispatched}`, { step: 'acknowledged' });
    await gateway.report('bad-3', { step: 'acknowledged' }, { clock: 'import-x' });
    await gateway.report('bad-4', { step: 'returned' });
    const [slipId, reference] = [v7(), `r-${v7()}`];
    await gateway.publish(recorded(slipId, reported(reference)), recorded(slipId, fundsHeld));
    await gateway.report(reference, { step: 'acknowledged' });
    await gateway.has(slipId, 'SlipAcknowledged');
    const letters = await waitFor(
      async () => {
        const { rows } = await gateway.database.query('select reason, detail from dead_letter order by id');
        return rows.length >= 5 ? rows : null;
      },
      { what: 'five dead letters' },
    );
    expect(letters).toHaveLength(5);
    expect(gateway.of(dispatched)).toEqual(before);
  });
});

describe('watermarks', () => {
  test('of the wall clock follow intake’s and are never ahead of it', async () => {
    const time = now();
    await gateway.intakeTick('wall', time);
    // Before anything is heard of intake a tick has no marks: it vouches for nothing.
    const reached = () => gateway.tick('wall')?.marks.filter((mark) => mark.time === time).length;
    await waitFor(() => reached() === topics.events.partitions, {
      what: 'intake’s own time on every partition',
    });
    expect(gateway.ticks.flatMap((tick) => tick.marks).filter((mark) => mark.time > time)).toEqual([]);
  });

  test('of an import’s clock come with its marks, and close it when both have closed', async () => {
    const clock = `import-${v7()}`;
    const t = '2018-03-01T00:00:00.000000Z';
    const [slipId, reference] = [v7(), `r-${v7()}`];
    const event = submitted({
      caller: 'importer',
      reference,
      mode: 'reported',
      provider: null,
      route: 'import',
      deadline: addMs(t, 5_000),
    });
    await gateway.report(
      reference,
      { step: 'returned', outcome: 'succeeded' },
      { clock, time: addMs(t, 1_000) },
    );
    await gateway.advanceClock({ clock, time: addMs(t, 10_000), close: true });
    await gateway.publish(recorded(slipId, event, { clock }), recorded(slipId, fundsHeld, { clock }));
    await gateway.intakeTick(clock, addMs(t, 10_000), true);
    const returned = await gateway.has(slipId, 'SlipReturned');
    expect(returned).toMatchObject({ clock, receivedTime: addMs(t, 1_000) });
    const closed = await waitFor(
      () => {
        const tick = gateway.tick(clock);
        return tick?.closed ? tick : undefined;
      },
      { what: 'the clock to be closed' },
    );
    expect(closed.marks.every((mark) => mark.time === addMs(t, 10_000))).toBe(true);
  });
});

describe('callbacks over HTTP', () => {
  const body = (slipId: string, status = 'succeeded', more: object = {}) =>
    JSON.stringify({
      type: 'slip.updated',
      timestamp: '',
      data: {
        slip_id: slipId,
        reference: 'r',
        provider_id: 'p',
        status,
        reason: null,
        amount: null,
        ...more,
      },
    });

  async function post(
    text: string,
    options: {
      id?: string;
      provider?: string;
      headers?: Record<string, string>;
      signed?: string;
      to?: Service;
    } = {},
  ): Promise<{ status: number; json: { code?: string } }> {
    const { id = v7(), provider = 'acme', to = one } = options;
    const at = new Date();
    const response = await fetch(`${to.url}/v1/callbacks/${provider}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, at, options.signed ?? text),
        ...options.headers,
      },
      body: text,
    });
    return { status: response.status, json: (await response.json()) as { code?: string } };
  }

  test('while one cannot be written the gateway is silent, writes it when it can, and tells how long it was silent', async () => {
    const ticks = () => gateway.ticks.filter(({ source }) => source === sources.gateway);
    await waitFor(() => ticks().length > 0, { what: 'a first watermark' });
    await gateway.database.query('alter table callback rename to callback_away');
    // To both: only one of them speaks.
    const ids = [v7(), v7()];
    for (const [index, to] of [one, two].entries())
      expect((await post(body(v7()), { id: ids[index]!, to })).status).toBeGreaterThanOrEqual(500);
    let heard = ticks().length;
    let heardAtMs = performance.now();
    const silentForMs = () => {
      if (ticks().length !== heard) [heard, heardAtMs] = [ticks().length, performance.now()];
      return performance.now() - heardAtMs;
    };
    // Longer than the five seconds after which a sign of life comes at the latest.
    await waitFor(() => silentForMs() > 6_000, { what: 'silence' });
    await gateway.database.query('alter table callback_away rename to callback');
    const next = await waitFor(() => ticks()[heard], { what: 'a watermark' });
    expect(next.silentMs).toBeGreaterThan(6_000);
    // The other one, which does not speak, tries in its own time.
    const kept = async () => {
      const sql = 'select webhook_id from callback where webhook_id = any($1)';
      return (await gateway.database.query(sql, [ids])).rows.length === ids.length;
    };
    await waitFor(kept, { what: 'both callbacks to be written' });
  });

  test('a forged, stale, re-serialised or unsigned one is 401 and not stored, one about nothing usable 400 and kept', async () => {
    const slipId = v7();
    const good = body(slipId);
    expect(await post(good, { signed: `${good} ` })).toMatchObject({
      status: 401,
      json: { code: 'signature_invalid' },
    });
    for (const headers of [
      { 'webhook-signature': '' },
      { 'webhook-signature': 'v1,' },
      { 'webhook-signature': 'v1,!!!!' },
      { 'webhook-timestamp': '1000' },
      { 'webhook-timestamp': '1e10' },
      { 'webhook-timestamp': '-5' },
      { 'webhook-id': 'a.b' },
    ]) {
      expect((await post(good, { headers: headers as never })).status).toBe(401);
    }
    const twice = '{"data":{"slip_id":"x","status":"failed","status":"succeeded"}}';
    const noJson = ['{bad', '', twice, `\ufeff${good}`];
    const unreadable = [
      '{}',
      '[]',
      '{"data":1}',
      '{"data":{"slip_id":"x"}}',
      ...noJson.filter((text) => text),
    ];
    const id = v7();
    for (const [index, text] of unreadable.entries()) {
      expect(await post(text, { id: `${id}-${index}` })).toMatchObject({
        ...{ status: 400, json: { code: noJson.includes(text) ? 'malformed_json' : 'malformed_request' } },
      });
    }
    // Nobody who has not signed it is told more.
    for (const text of noJson.slice(2)) {
      expect((await post(text, { signed: 'other' })).json.code).toBe('signature_invalid');
    }
    const kept = await gateway.database.query(
      `select convert_from(body, 'UTF8') as text from callback where handled = 'unreadable' and webhook_id like $1`,
      [`${id}-%`],
    );
    expect(kept.rows.map(({ text }) => text).toSorted()).toEqual(unreadable.toSorted());
    expect((await post(good, { provider: 'nobody' })).status).toBe(404);
    expect((await post(good, { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    const stored = await gateway.database.query('select 1 from callback where slip_id = $1', [slipId]);
    expect(stored.rowCount).toBe(0);
  });

  test('one that could not be read is read when it comes again', async () => {
    await faults({ fault: 'lost_callback' });
    const slipId = await send();
    await gateway.has(slipId, 'SlipAcknowledged');
    await faults();
    const id = v7();
    expect((await post('{"data":{}}', { id })).status).toBe(400);
    expect((await post(body(slipId), { id })).status).toBe(202);
    await gateway.has(slipId, 'SlipReturned');
  });

  test('news of a failure counts whatever its amount; a success with one that cannot be read is kept and asked about', async () => {
    await faults({ fault: 'lost_callback' });
    const [failed, succeeded] = [await send(), await send()];
    for (const slipId of [failed, succeeded]) await gateway.has(slipId, 'SlipAcknowledged');
    await faults();
    const amount = { amount: 12.5, currency: 'EUR' };
    expect((await post(body(failed, 'failed', { amount }))).status).toBe(202);
    expect((await post(body(succeeded, 'succeeded', { amount }))).status).toBe(202);
    expect((await gateway.has(failed, 'SlipReturned')).event.data).toMatchObject({ outcome: 'failed' });
    expect((await gateway.has(succeeded, 'AnswerDoubted')).event.data).toMatchObject({
      doubt: 'amount_unreadable',
      said: JSON.stringify(amount),
      evidence: 'signed_callback',
    });
    expect((await gateway.has(succeeded, 'SlipReturned')).event.data).toMatchObject({
      evidence: 'inquiry_answer',
      amount: { amount: 1250n, currency: 'EUR' },
    });
  });

  test('news count whatever text beside them cannot be stored', async () => {
    await faults({ fault: 'lost_callback' });
    const slips = [await send(), await send(), await send()];
    for (const slipId of slips) await gateway.has(slipId, 'SlipAcknowledged');
    await faults();
    const odd = ['a\u0000b', '\ud800', '\u0007'];
    for (const [index, slipId] of slips.entries()) {
      const more = { reason: odd[index], provider_id: odd[index] };
      expect((await post(body(slipId, 'failed', more))).status).toBe(202);
      expect((await gateway.has(slipId, 'SlipReturned')).event.data).toMatchObject({
        ...{ outcome: 'failed', evidence: 'signed_callback', reason: null, providerReference: null },
      });
    }
  });

  /** A slip of which its provider knows that it succeeded, and whose callback got lost. */
  const sendUnheard = async () => {
    await faults({ fault: 'lost_callback' });
    const slipId = await send();
    await gateway.has(slipId, 'SlipAcknowledged');
    await faults();
    const isKnown = async () => (await outcomesAt(simulator)).get(slipId) === 'succeeded';
    await waitFor(isKnown, { what: 'the provider to know what became of the slip' });
    return slipId;
  };

  test('one that names a slip and says nothing that can be read lets it be asked about at once', async () => {
    const slipId = await sendUnheard();
    expect(await post(body(slipId, ['succeeded'] as never))).toMatchObject({
      ...{ status: 400, json: { code: 'malformed_request' } },
    });
    expect((await gateway.has(slipId, 'SlipReturned')).event.data).toMatchObject({
      evidence: 'inquiry_answer',
    });
  });

  test('one with other words under an id that was handled lets its slip be asked about at once', async () => {
    const slipId = await sendUnheard();
    const id = v7();
    expect((await post(body(slipId, 'pending'), { id })).status).toBe(202);
    expect((await post(body(slipId), { id })).status).toBe(202);
    expect((await gateway.has(slipId, 'SlipReturned')).event.data).toMatchObject({
      evidence: 'inquiry_answer',
    });
  });

  test('one that is too old for its signature lets its slip be asked about at once', async () => {
    const slipId = await sendUnheard();
    const returned = () => gateway.of(slipId).find((one) => one.event.type === 'SlipReturned');
    // At most five a second are asked about, and others came just before: its provider sends again what was refused.
    const found = await waitFor(
      async () => {
        const sent = await post(body(slipId), { headers: { 'webhook-timestamp': '1000' } });
        expect(sent.status).toBe(401);
        return returned();
      },
      { what: 'the answer to a question', intervalMs: 250 },
    );
    expect(found.event.data).toMatchObject({ evidence: 'inquiry_answer' });
  });

  test('a header given twice is 401', async () => {
    const text = body(v7());
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      const call = request(`${one.url}/v1/callbacks/acme`, { method: 'POST' }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      call.on('error', reject);
      call.setHeader('content-type', 'application/json');
      call.setHeader('webhook-id', ['a', 'a']);
      call.setHeader('webhook-timestamp', '1');
      call.setHeader('webhook-signature', 'v1,AAAA');
      call.end(text);
    });
    expect(status).toBe(401);
  });

  test('one about a slip that this provider was never given is kept as an orphan', async () => {
    const unknown = v7();
    expect((await post(body(unknown))).status).toBe(202);
    const other = await send('bolt');
    await gateway.has(other, 'SlipReturned');
    expect((await post(body(other, 'failed'))).status).toBe(202);
    const rows = await gateway.database.query(
      'select slip_id, handled, body from callback where slip_id = any($1)',
      [[unknown, other]],
    );
    expect(rows.rows.map((row) => row.handled)).toEqual(['orphan', 'orphan']);
    expect(fold(gateway.of(other))).toMatchObject({ outcome: 'succeeded', conflict: false });
  });

  test('a replayed id is accepted and handled once; another outcome is a contradiction and changes nothing', async () => {
    await faults({ fault: 'lost_callback' });
    const slipId = await send();
    await gateway.has(slipId, 'SlipAcknowledged');
    await faults();
    const id = v7();
    const sent = await Promise.all(Array.from({ length: 8 }, () => post(body(slipId, 'failed'), { id })));
    expect(sent.map((answer) => answer.status)).toEqual(sent.map(() => 202));
    expect((await post(body(slipId, 'succeeded'))).status).toBe(202);
    await gateway.has(slipId, 'SlipReturned');
    const rows = await gateway.database.query(
      'select handled from callback where slip_id = $1 order by received_at',
      [slipId],
    );
    expect(rows.rows.map((row) => row.handled)).toEqual(['recorded', 'contradiction']);
    const marker = await send('bolt');
    await gateway.has(marker, 'SlipReturned');
    expect(gateway.of(slipId).filter(({ event }) => event.type === 'SlipReturned')).toHaveLength(1);
    const metrics = await (await fetch(`${one.url}/metrics`)).text();
    expect(metrics).toMatch(/slipstream_gateway_contradictions_total\{[^}]*\} [1-9]/);
    expect(metrics).toMatch(
      /slipstream_gateway_call_duration_seconds_count\{[^}]*provider="bolt",route="bolt",call="dispatch",/,
    );
  });
});

async function get(path: string, scope: string | null = 'providers:read') {
  const headers = scope === null ? {} : { authorization: `Bearer ${await gateway.token(scope)}` };
  const response = await fetch(`${one.url}${path}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('GET /v1/unmatched', () => {
  interface Row {
    id: string;
    reason: string;
  }
  const list = async (query: string) => {
    const { status, body } = await get(`/v1/unmatched?${query}`);
    expect(status).toBe(200);
    return body as { data: Row[]; next: string | null };
  };

  test('needs a token with its scope, and knows its parameters', async () => {
    expect((await get('/v1/unmatched', null)).status).toBe(401);
    expect((await get('/v1/unmatched', 'slips:read')).status).toBe(403);
    for (const query of ['kind=letter', 'reason=none', 'colour=red', 'cursor=x', 'page_size=0']) {
      expect((await get(`/v1/unmatched?${query}`)).status).toBe(400);
    }
  });

  test('shows what came and has no slip, why and for how long, a page at a time, the oldest first', async () => {
    const reference = `nobody-${v7()}`;
    await gateway.report(reference, { step: 'returned', outcome: 'succeeded' });
    const mine = async () =>
      (await list('kind=report&page_size=200')).data.find(
        (row) => 'reference' in row && row.reference === reference,
      );
    const report = await waitFor(mine, { what: 'the report to be listed' });
    expect(report).toMatchObject({
      ...{
        kind: 'report',
        sender: expect.any(String),
        slip_id: null,
        clock: 'wall',
        age_s: expect.any(Number),
      },
      reason: expect.stringMatching(/^(waits_for_slip|no_slip)$/),
    });
    const reasons = new Set((await list('kind=callback&page_size=200')).data.map(({ reason }) => reason));
    expect(reasons).toEqual(new Set(['unknown_slip', 'other_provider', 'unreadable']));
    const all: Row[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { data: Row[]; next: string | null } = await list(
        `page_size=2${cursor && `&cursor=${cursor}`}`,
      );
      all.push(...page.data);
      cursor = page.next;
    }
    expect(all.map(({ id }) => id)).toEqual((await list('page_size=200')).data.map(({ id }) => id));
    expect((await list('reason=unreadable&sender=acme')).data.length).toBeGreaterThan(0);
  });

  test('a report that waited too long is told when its slip comes, and listed no more', async () => {
    const [slipId, reference] = [v7(), `r-${v7()}`];
    await gateway.report(reference, { step: 'returned', outcome: 'failed', reason: 'AM04' });
    const listed = async () => JSON.stringify(await list('kind=report&page_size=200')).includes(reference);
    await waitFor(listed, { what: 'the report to be parked' });
    await gateway.database.query(
      'update parked_result set orphan_at = clock_timestamp() where reference = $1',
      [reference],
    );
    const terms = {
      caller: 'importer',
      reference,
      mode: 'reported',
      provider: null,
      route: 'import',
    } as const;
    await gateway.publish(recorded(slipId, submitted(terms)), recorded(slipId, fundsHeld));
    expect((await gateway.has(slipId, 'SlipReturned')).event.data).toMatchObject({
      evidence: 'report',
      outcome: 'failed',
    });
    expect(await listed()).toBe(false);
  });
});

describe('GET /v1/providers', () => {
  test('needs a token with its scope', async () => {
    expect((await get('/v1/providers', null)).status).toBe(401);
    expect((await get('/v1/providers', 'slips:read')).status).toBe(403);
  });

  test('shows what a provider can do and what is open there', async () => {
    const list = await get('/v1/providers');
    expect(list).toMatchObject({ status: 200, body: { data: [{ id: 'acme' }, { id: 'bolt' }], next: null } });
    expect((await get('/v1/providers/acme')).body).toEqual({
      id: 'acme',
      capabilities: {
        connect_timeout_ms: 500,
        answer_timeout_ms: 2_000,
        acceptance_delay_max_ms: 200,
        visibility_delay_ms: 0,
        poll_ladder_ms: [],
        recheck_ladder_ms: [],
        failures_final: true,
        concurrency_max: 32,
        inquiry_concurrency_max: 8,
        circuit_open_ms: 200,
        throttled_means_not_taken: false,
        idempotent_by_reference: false,
        cancel_by_reference: false,
        words: {
          acknowledged: ['pending'],
          progressed: ['in_progress'],
          succeeded: ['succeeded'],
          failed: ['failed', 'rejected'],
          void: ['void'],
        },
      },
      state: null,
      proof: null,
      observed: {
        acceptance: expect.objectContaining({ count: expect.any(Number) }),
        visibility: expect.any(Object),
        callback: expect.any(Object),
      },
      circuit: expect.objectContaining({ state: expect.any(String), calls: expect.any(Number) }),
      in_flight: { dispatches: expect.any(Number), inquiries: expect.any(Number) },
      open_slips: expect.any(Object),
      statements: null,
      concurrency: { max: 32, instances: expect.any(Number), here: expect.any(Number) },
    });
  });

  test('shares what a provider bears at once among the instances that live', async () => {
    const concurrency = async () =>
      ((await get('/v1/providers/acme')).body as { concurrency: object }).concurrency;
    await waitFor(
      async () => JSON.stringify(await concurrency()) === JSON.stringify({ max: 32, instances: 2, here: 16 }),
      { what: 'two instances' },
    );
  });

  test('refuses what it does not know', async () => {
    expect((await get('/v1/providers/nobody')).status).toBe(404);
    expect((await get('/v1/providers?status=up')).status).toBe(400);
  });
});

describe('POST /v1/providers/:id/disable and enable', () => {
  const post = async (path: string, body: object, scope = 'providers:write') => {
    const response = await fetch(`${one.url}/v1/providers/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await gateway.token(scope)}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test('need their scope, a reason, and a provider that is there', async () => {
    expect((await post('acme/disable', { reason: 'r' }, 'providers:read')).status).toBe(403);
    for (const body of [{}, { reason: '' }, { reason: 'r', dry_run: 'yes' }]) {
      expect(await post('acme/disable', body)).toMatchObject({
        status: 422,
        body: { code: 'validation_failed' },
      });
    }
    expect(await post('acme/enable', { reason: 'r', dry_run: true })).toMatchObject({ status: 400 });
    for (const path of ['nobody/disable', 'nobody/enable']) {
      expect(await post(path, { reason: 'r' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await post('nobody/disable', { reason: 'r', dry_run: true })).status).toBe(404);
  });

  test('stop the calls of every instance, and let them begin again; a dry run does neither', async () => {
    const dry = await post('bolt/disable', { reason: 'r', dry_run: true });
    expect(dry).toMatchObject({
      status: 200,
      body: { dry_run: true, provider: 'bolt', rerouted: expect.any(Array) },
    });
    const running = await send('bolt');
    await gateway.has(running, 'SlipReturned');

    const off = await post('bolt/disable', { reason: 'it answers garbage' });
    expect(off).toMatchObject({
      status: 200,
      body: { id: 'bolt', state: { disabled: true, reason: 'it answers garbage', actor: 'reader' } },
    });
    // The other provider goes on, so the instances do; what is for the disabled one waits.
    const waiting = await Promise.all(Array.from({ length: 6 }, () => send('bolt')));
    for (const slipId of await Promise.all(Array.from({ length: 6 }, () => send('acme')))) {
      await gateway.has(slipId, 'SlipReturned');
    }
    const intended = () =>
      waiting.filter((slipId) => gateway.of(slipId).some(({ event }) => event.type === 'DispatchIntended'));
    // Each partition is read by itself: when acme's are answered, one of bolt's may not have been read yet.
    const neverSent = async () => {
      const { body } = await post('bolt/disable', { reason: 'r', dry_run: true });
      return (body as { slips: { never_sent: { slips: number } } }).slips.never_sent.slips;
    };
    await waitFor(async () => (await neverSent()) === waiting.length, { what: 'all of them to wait' });
    expect(intended()).toEqual([]);

    expect((await post('bolt/enable', { reason: 'it is well' })).body).toMatchObject({
      state: { disabled: false },
    });
    for (const slipId of waiting) await gateway.has(slipId, 'SlipReturned');
  });
});

describe('POST /v1/slips/:id/inquire', () => {
  const ask = async (
    id: string,
    { key = v7(), scope = 'providers:write', body = { reason: 'the customer calls' } as object } = {},
  ) => {
    const headers = {
      ...{ authorization: `Bearer ${await gateway.token(scope)}`, 'content-type': 'application/json' },
      ...(key === '' ? {} : { 'idempotency-key': key }),
    };
    const request = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${one.url}/v1/slips/${id}/inquire`, request);
    return {
      ...{ status: response.status, body: (await response.json()) as Record<string, unknown> },
      ...{ location: response.headers.get('location') },
      replayed: response.headers.get('idempotent-replayed'),
    };
  };

  test('needs its scope, a key, a reason, and a slip that is with somebody', async () => {
    const slipId = await send('bolt');
    await gateway.has(slipId, 'SlipReturned');
    expect((await ask(slipId, { scope: 'providers:read' })).status).toBe(403);
    expect(await ask(slipId, { key: '' })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    });
    expect(await ask(slipId, { body: {} })).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
    for (const id of [v7(), 'nobody']) {
      expect(await ask(id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    const waits = v7();
    await gateway.publish(recorded(waits, submitted({ provider: 'bolt', route: 'bolt' })));
    const refused = await waitFor(
      async () => {
        const answer = await ask(waits);
        return answer.status === 404 ? null : answer;
      },
      { what: 'a slip that is known' },
    );
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect((await get(`/v1/slips/${waits}/inquiry`)).status).toBe(404);
  });

  test('repairs a lost callback at once, and says what came of it', async () => {
    await faults({ fault: 'lost_callback' });
    const slipId = await send('acme');
    await gateway.has(slipId, 'SlipAcknowledged');
    const isKnown = async () => ((await outcomesAt(simulator)).get(slipId) ?? null) !== null;
    await waitFor(isKnown, { what: 'an outcome at the provider' });
    const key = v7();
    const asked = await ask(slipId, { key });
    expect(asked).toEqual({
      ...{ status: 202, location: `/v1/slips/${slipId}/inquiry`, replayed: null },
      body: { slip_id: slipId, provider: 'acme', ask_at: expect.any(String) },
    });
    expect(await ask(slipId, { key })).toEqual({ ...asked, replayed: 'true' });
    expect(await ask(slipId, { key, body: { reason: 'another' } })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    const returned = await gateway.has(slipId, 'SlipReturned');
    expect(returned.event.data).toMatchObject({ evidence: 'inquiry_answer' });
    const shown = await waitFor(
      async () => {
        const { body } = await get(asked.location!);
        return (body as { status: string }).status === 'answered' ? body : null;
      },
      { what: 'the answer' },
    );
    expect(shown).toMatchObject({ slip_id: slipId, said: { answer: 'returned' } });
    await faults();
  });
});
