import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { decodeOpsEvent, stampEnvelope, topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { addMs, type Instant, instantToMs } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { foldSwitch } from '../src/adapters/postgres/provider-states.ts';
import { providerClockMs } from '../src/domain/proof/promise.ts';
import {
  fundsHeld,
  inquiryRequested,
  recorded,
  refundRequested,
  slipRefunded,
  submitted,
} from './support/events.ts';
import { Harness, providerRules } from './support/harness.ts';

const environment = sharedEnvironment();

/** A provider that does with each call what the test says, and remembers which slips it was sent. */
class Fake {
  readonly sent: string[] = [];
  /** Which slips it was told never to execute; it confirms that. */
  readonly cancelled: string[] = [];
  /** What a call is answered with; null: never. */
  answer: object | null = { status: 'succeeded' };
  throttles = false;
  /** HTTP status of its health. */
  health = 200;
  /** What is said of a slip when it is asked about. */
  known: object | null = null;
  readonly #known = new Map<string, object>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Fake> {
    const server = createServer((request, response) => void fake.#answer(request, response));
    const fake: Fake = new Fake(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return fake;
  }

  /** Also after it was stopped. */
  url = '';

  /** What is said of this one slip from now on. */
  knows(slip: string, what: object): void {
    this.#known.set(slip, what);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(...[request, response]: Parameters<Parameters<typeof createServer>[1] & object>) {
    const say = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url === '/health') return void response.writeHead(this.health).end();
    if (request.url!.endsWith('/cancel')) {
      const slip = request.url!.split('/').at(-2)!;
      this.cancelled.push(slip);
      return say(200, { slip_id: slip, status: 'cancelled' });
    }
    if (request.method === 'GET') {
      const known = this.#known.get(request.url!.split('/').at(-1)!) ?? this.known;
      return known === null ? say(404, { status: 'not_found' }) : say(200, known);
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    this.sent.push((JSON.parse(body) as { slip_id: string }).slip_id);
    if (this.throttles) return void response.writeHead(429, { 'retry-after': '60' }).end();
    if (this.answer !== null) say(200, this.answer);
  }
}

let gateway: Harness;
let acme: Fake;
let borealis: Fake;

beforeEach(async () => {
  gateway = await Harness.open(environment().databaseUrl);
  [acme, borealis] = [await Fake.start(), await Fake.start()];
  gateway.routes.set('default', [
    { id: 'acme', priority: 1, weight: 1 },
    { id: 'borealis', priority: 2, weight: 1 },
  ]);
});

afterEach(async () => {
  await gateway?.stop();
  for (const fake of [acme, borealis]) fake?.stop();
});

const rulesOf = (more: Partial<Parameters<typeof providerRules>[1]> = {}) => [
  providerRules(acme.url, { id: 'acme', ...more }),
  // A slow machine is not what is asked about.
  providerRules(borealis.url, { id: 'borealis', answerTimeoutMs: 10_000 }),
];

async function opsEvents() {
  const rows = await gateway.unitOfWork.query<{ body: Buffer; seq: string; at: Instant }>(
    'select body, seq, at from outbox_event where topic = $1 order by at',
    [topics.ops.name],
  );
  return rows.map(({ body, seq, at }) => {
    const stamp = { sequence: seq, time: at, receivedTime: at };
    return decodeOpsEvent(stampEnvelope(body, stamp))!;
  });
}

const callback = (slipId: string, provider: string, webhookId: string) => ({
  ...{ provider, webhookId, body: Buffer.from('{}') },
  message: {
    slipId,
    answer: {
      ...({ kind: 'returned', outcome: 'succeeded', reason: null, amount: null } as const),
      ...{ providerReference: `${provider}-1`, providerTime: null },
    },
  },
});

test('a slip that was not sent to the first provider goes to the second, and the intent says why', async () => {
  acme.stop();
  await gateway.startWorkers(rulesOf());
  const slip = await gateway.slip();
  expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ provider: 'borealis' });
  const intents = (await gateway.published(slip)).filter((event) => event.type === 'DispatchIntended');
  expect(intents.map(({ data }) => [data.attempt, data.provider, data.reason])).toEqual([
    [1, 'acme', 'preferred'],
    [2, 'borealis', 'not_sent'],
  ]);
  expect(borealis.sent).toEqual([slip]);
});

test('what the first one says later finds the slip: a second success is an event, once', async () => {
  acme.stop();
  await gateway.startWorkers(rulesOf());
  const slip = await gateway.slip();
  await gateway.event(slip, 'SlipReturned');
  const say = (id: string) => gateway.does.receiveCallbacks([callback(slip, 'acme', id)]);
  expect(await say('w-1')).toEqual(['contradiction']);
  expect(await say('w-2')).toEqual(['repeated']);
  const returns = (await gateway.published(slip)).filter((event) => event.type === 'SlipReturned');
  expect(returns.map(({ data }) => data.provider)).toEqual(['borealis', 'acme']);
  expect(await gateway.does.receiveCallbacks([callback(slip, 'cumulus', 'w-3')])).toEqual(['orphan']);
});

test('a disabled provider gets no call from any instance, and what waits for it goes to the other', async () => {
  acme.answer = null;
  const { answerTimeoutMs } = providerRules('', {});
  await gateway.startWorkers(rulesOf({ concurrencyMax: 1, answerTimeoutMs: 4 * answerTimeoutMs }), 'one');
  await gateway.startWorkers(rulesOf({ concurrencyMax: 1, answerTimeoutMs: 4 * answerTimeoutMs }), 'two');
  const slips = await Promise.all(Array.from({ length: 8 }, () => gateway.slip()));
  await waitFor(() => acme.sent.length > 0, { what: 'a call that fills the slot' });

  const request = {
    provider: 'acme',
    disabled: true,
    reason: 'it loses slips',
    actor: 'ops-1',
    requestId: 'r-1',
  };
  expect(await gateway.does.switchProvider(request)).toEqual({ changed: true });
  const inFlight = new Set(acme.sent);
  const moved = slips.filter((slip) => !inFlight.has(slip));
  for (const slip of moved) {
    const returned = await gateway.event(slip, 'SlipReturned');
    if (!acme.sent.includes(slip)) expect(returned).toMatchObject({ provider: 'borealis' });
  }
  // What was being intended when it was disabled came to its end there; nothing else was sent, and nothing twice.
  expect(acme.sent.length).toBeLessThanOrEqual(4);
  for (const { sent } of [acme, borealis]) expect(new Set(sent).size).toBe(sent.length);
  const before = acme.sent.length;
  const late = await gateway.slip();
  expect(await gateway.event(late, 'SlipReturned')).toMatchObject({ provider: 'borealis' });
  expect(await gateway.event(late, 'DispatchIntended')).toMatchObject({ reason: 'disabled' });
  expect(acme.sent.length).toBe(before);

  expect(await gateway.does.switchProvider(request)).toEqual({ changed: false });
  expect(await gateway.does.showProvider('acme')).toMatchObject({
    state: { disabled: true, reason: 'it loses slips', actor: 'ops-1' },
  });
  acme.answer = { status: 'succeeded' };
  await gateway.does.switchProvider({ ...request, disabled: false, reason: 'it is well again' });
  const again = await gateway.slip();
  expect(await gateway.event(again, 'SlipReturned')).toMatchObject({ provider: 'acme' });
  expect((await opsEvents()).filter(({ event }) => event.type !== 'ProviderHealthChanged')).toMatchObject([
    { subject: 'acme', event: { type: 'ProviderDisabled', data: { actor: 'ops-1', requestId: 'r-1' } } },
    { subject: 'acme', event: { type: 'ProviderEnabled', data: { reason: 'it is well again' } } },
  ]);
  expect(await gateway.does.switchProvider({ ...request, provider: 'gone' })).toBeNull();
});

test('a database that was put back takes a switch from the log again', async () => {
  await gateway.startWorkers(rulesOf());
  const data = { provider: 'acme', reason: 'it loses slips', actor: 'ops-1', requestId: 'r-1' };
  const fold = (type: 'ProviderDisabled' | 'ProviderEnabled', time: Instant) =>
    gateway.unitOfWork.run((tx) =>
      foldSwitch(tx, {
        ...{ id: 'e-1', subject: 'acme', source: '/slipstream/provider-gateway', sequence: 1n, time },
        event: { type, data },
      }),
    );
  const at = '2026-11-26T10:00:00.000000Z';
  await fold('ProviderDisabled', at);
  expect(await gateway.does.showProvider('acme')).toMatchObject({
    state: { disabled: true, actor: 'ops-1', changedAt: at },
  });
  const slip = await gateway.slip();
  expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ provider: 'borealis' });
  await fold('ProviderEnabled', at);
  const next = await gateway.slip();
  expect(await gateway.event(next, 'SlipReturned')).toMatchObject({ provider: 'acme' });
});

test('what disabling would mean: slips and money by what is known of them', async () => {
  acme.answer = null;
  await gateway.startWorkers(rulesOf({ concurrencyMax: 2, answerTimeoutMs: 60_000 }));
  const slips = await Promise.all(Array.from({ length: 5 }, () => gateway.slip()));
  await waitFor(() => acme.sent.length === 2, { what: 'two calls' });
  const preview = (await gateway.does.previewDisable('acme'))!;
  expect(preview).toMatchObject({
    slips: {
      never_sent: { slips: 3, amounts: [{ amount: '3750', currency: 'EUR' }] },
      not_executed: { slips: 0, amounts: [] },
      unknown: { slips: 2, amounts: [{ amount: '2500', currency: 'EUR' }] },
    },
    rerouted: [{ route: 'default', to: ['borealis'], slips: 3 }],
    open: 0,
  });
  // Two NOT_FOUND, a quiet period apart, behind the bound of the latest of them.
  const rows = await Promise.all(slips.map((slip) => gateway.row(slip)));
  const latest = rows
    .map((row) => row.not_after as Instant | null)
    .filter((at) => at !== null)
    .sort()
    .at(-1)!;
  expect(Date.parse(preview.certainBy!) - Date.parse(latest)).toBeGreaterThanOrEqual(200 + 300);
  expect(acme.sent).toHaveLength(2);
  expect(await gateway.does.previewDisable('gone')).toBeNull();
});

test('two who ask about a slip first, at once, put one question, or the second a second later', async () => {
  acme.answer = null;
  acme.known = { status: 'pending' };
  await gateway.startWorkers(rulesOf({ acceptanceDelayMaxMs: null }));
  for (let n = 0; n < 5; n++) {
    const slip = await gateway.slip();
    await gateway.event(slip, 'DispatchUnanswered');
    const request = {
      slipId: slip,
      reason: 'the customer calls',
      requestId: 'r-1',
      caller: 'ops-1',
      digest: 'd',
    };
    const [one, two] = await Promise.all(
      [`${n}-a`, `${n}-b`].map((key) => gateway.does.askForPeople({ ...request, key })),
    );
    const apartMs = Math.abs(Date.parse(one!.askAt) - Date.parse(two!.askAt));
    expect([0, 1_000]).toContain(Math.min(apartMs, 1_000));
  }
});

test('people ask about a slip: once a request, not before it can be known, and the answer counts', async () => {
  acme.answer = null;
  acme.known = { status: 'succeeded' };
  // Nobody asks by themselves: no bound is declared, and the ladder has no rung.
  await gateway.startWorkers(rulesOf({ acceptanceDelayMaxMs: null, visibilityDelayMs: 700 }));
  const slip = await gateway.slip();
  await gateway.event(slip, 'DispatchUnanswered');
  const request = { slipId: slip, reason: 'the customer calls', requestId: 'r-1', caller: 'ops-1' };
  const keyed = { ...request, key: 'k-1', digest: 'd-1' };
  const will = await gateway.does.askForPeople(keyed);
  const { not_after } = await gateway.row(slip);
  expect(will).toEqual({ slipId: slip, provider: 'acme', askAt: expect.any(String), replayed: false });
  expect(Date.parse(will.askAt)).toBeGreaterThanOrEqual(Date.parse(String(not_after)) + 700);
  expect(await gateway.does.askForPeople(keyed)).toEqual({ ...will, replayed: true });
  await expect(gateway.does.askForPeople({ ...keyed, digest: 'd-2' })).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  });

  expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ evidence: 'inquiry_answer' });
  const question = await waitFor(
    async () => {
      const found = await gateway.does.showPeoplesQuestion(slip);
      return found?.status === 'answered' ? found : null;
    },
    { what: 'the answer to people' },
  );
  expect(question).toMatchObject({ provider: 'acme', askAt: will.askAt, said: { answer: 'returned' } });
  expect(question.askedAt! >= will.askAt).toBe(true);
  expect((await opsEvents()).filter(({ event }) => event.type === 'OperatorActed')).toMatchObject([
    {
      ...{ subject: 'provider-gateway' },
      event: { data: { action: 'inquire', target: slip, actor: 'ops-1', reason: 'the customer calls' } },
    },
  ]);

  // Asked again it says the same, which is nothing new; what nobody has cannot be asked about.
  await gateway.does.askForPeople({ ...keyed, key: 'k-2' });
  await waitFor(async () => (await gateway.does.showPeoplesQuestion(slip))!.status === 'answered', {
    what: 'the second answer',
  });
  expect((await gateway.types(slip)).filter((type) => type === 'SlipReturned')).toHaveLength(1);
  const unheld = v7();
  await gateway.feed(recorded(unheld, submitted()));
  const refused = { ...keyed, key: 'k-3', slipId: unheld };
  await expect(gateway.does.askForPeople(refused)).rejects.toMatchObject({ code: 'conflict' });
  await expect(gateway.does.askForPeople({ ...refused, slipId: v7() })).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('a provider that fails is passed over while its circuit is open, and tried again by one call', async () => {
  acme.stop();
  await gateway.startWorkers(rulesOf({ circuitOpenMs: 600_000 }));
  for (let round = 0; round < 6; round++) {
    const slips = await Promise.all(Array.from({ length: 5 }, () => gateway.slip()));
    for (const slip of slips) await gateway.event(slip, 'SlipReturned');
  }
  const circuit = (await gateway.does.showProvider('acme'))!.circuit;
  expect(circuit).toMatchObject({ state: 'open', failures: circuit.calls });
  expect(circuit.calls).toBeGreaterThanOrEqual(20);
  const slip = await gateway.slip();
  await gateway.event(slip, 'SlipReturned');
  expect(await gateway.event(slip, 'DispatchIntended')).toMatchObject({
    provider: 'borealis',
    reason: 'unhealthy',
  });
  // On a busy machine it may have been degraded for a while before.
  const told = await waitFor(
    async () =>
      (await opsEvents()).find(
        ({ event }) => event.type === 'ProviderHealthChanged' && event.data.health === 'down',
      ),
    { what: 'that it is down' },
  );
  expect(told).toMatchObject({ subject: 'acme', event: { data: { provider: 'acme' } } });
});

test('one whose probes fail is passed over though nobody calls it, and is the first again when they are answered', async () => {
  acme.health = 503;
  await gateway.startWorkers(rulesOf({ probe: { everyMs: 100, path: '/health' } }));
  const health = async (wanted: string) =>
    waitFor(
      async () =>
        (await opsEvents()).find(
          ({ event }) => event.type === 'ProviderHealthChanged' && event.data.health === wanted,
        ),
      { what: `acme ${wanted}` },
    );
  expect(await health('degraded')).toMatchObject({
    ...{ subject: 'acme' },
    event: { data: { previous: 'healthy', calls: 0, probesAnswered: 0, probeProblem: 'HTTP 503' } },
  });
  const first = await gateway.slip();
  expect(await gateway.event(first, 'SlipReturned')).toMatchObject({ provider: 'borealis' });
  expect(await gateway.event(first, 'DispatchIntended')).toMatchObject({ reason: 'unhealthy' });
  acme.health = 204;
  expect(await health('healthy')).toMatchObject({
    event: { data: { previous: 'degraded', probesFailed: 0 } },
  });
  const second = await gateway.slip();
  expect(await gateway.event(second, 'SlipReturned')).toMatchObject({ provider: 'acme' });
  expect((await gateway.does.showProvider('acme'))!.circuit.probe).toMatchObject({
    failed: 0,
    problem: null,
  });
  expect((await gateway.does.showProvider('borealis'))!.circuit.probe).toBeNull();
});

test('one that takes nothing while it throttles is passed over by the slip at once', async () => {
  acme.throttles = true;
  await gateway.startWorkers(rulesOf({ throttledMeansNotTaken: true }));
  const slip = await gateway.slip();
  expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ provider: 'borealis' });
  expect(await gateway.event(slip, 'DispatchNotSent')).toMatchObject({
    ...{ provider: 'acme', reason: 'throttled', detail: 'HTTP 429; it asks to wait 60000 ms' },
  });
});

test('a slip that two NOT_FOUND prove not to be executed goes on before its deadline', async () => {
  acme.answer = null;
  await gateway.startWorkers(rulesOf());
  const slip = await gateway.slip();
  expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ provider: 'borealis' });
  const intents = (await gateway.published(slip)).filter((event) => event.type === 'DispatchIntended');
  expect(intents.map(({ data }) => [data.provider, data.reason])).toEqual([
    ['acme', 'preferred'],
    ['borealis', 'not_executed'],
  ]);
  expect([acme.sent, borealis.sent]).toEqual([[slip], [slip]]);
  expect((await gateway.published(slip)).filter((event) => event.type === 'InquiryAnswered')).toEqual([]);
  expect(await gateway.does.showCertificate(slip)).toBeNull();
});

test('a slip that nobody executed has a certificate of every attempt', async () => {
  acme.answer = null;
  borealis.stop();
  await gateway.startWorkers(rulesOf());
  const slip = await gateway.slip();
  await gateway.event(slip, 'DispatchNotSent');
  await gateway.feed(recorded(slip, inquiryRequested(1)));
  expect(await gateway.event(slip, 'InquiryAnswered')).toMatchObject({ provesNotExecuted: true });
  const { payload } = JSON.parse((await gateway.does.showCertificate(slip))!) as { payload: string };
  expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({
    claim: 'not_executed',
    attempts: [
      {
        attempt: 1,
        provider: 'acme',
        end: 'not_found',
        not_found: [{ http_status: 404 }, { http_status: 404 }],
      },
      { provider: 'borealis', end: 'not_sent' },
    ],
  });
});

test('a provider that has what it denied is believed no more, at any instance, until people say so', async () => {
  acme.answer = null;
  gateway.routes.set('default', [{ id: 'acme', priority: 1, weight: 1 }]);
  await gateway.startWorkers(rulesOf({ recheckLadderMs: [1_000, 60_000] }), 'one');
  await gateway.startWorkers(rulesOf({ recheckLadderMs: [1_000, 60_000] }), 'two');
  const [broken, other] = [await gateway.slip(), await gateway.slip()];
  for (const slip of [broken, other]) {
    expect(await gateway.event(slip, 'InquiryAnswered')).toMatchObject({ provesNotExecuted: true });
  }
  await gateway.feed(recorded(broken, slipRefunded));
  // It executes it all the same, and tells nobody: it is asked again.
  acme.knows(broken, { status: 'succeeded' });
  expect(await gateway.event(broken, 'SlipReturned')).toMatchObject({ evidence: 'inquiry_answer' });
  const told = async () => (await opsEvents()).filter(({ event }) => event.type === 'ProviderPromiseBroken');
  expect(await told()).toMatchObject([
    {
      subject: 'acme',
      event: {
        data: {
          ...{ provider: 'acme', slips: [broken], broken: [{ amount: 1250n, currency: 'EUR' }] },
          ...{ slipsAtRisk: 1, atRisk: [{ amount: 1250n, currency: 'EUR' }], firstAtRisk: [other] },
          switchedOff: true,
        },
      },
    },
  ]);
  await gateway.does.keepDelays();
  const shown = (await gateway.does.showProvider('acme'))!;
  expect(shown).toMatchObject({ proof: { off: true }, observed: { acceptance: { count: 1 } } });
  expect(shown.observed.acceptance.maxMs).toBeGreaterThan(shown.capabilities.acceptanceDelayMaxMs!);

  // Two NOT_FOUND prove nothing any more, whoever asks.
  const later = await gateway.slip();
  await gateway.event(later, 'DispatchUnanswered');
  for (let n = 1; n <= 3; n++) {
    await gateway.feed(recorded(later, inquiryRequested(n)));
    await answerTo(later, n);
  }
  const answers = (await gateway.published(later)).filter((event) => event.type === 'InquiryAnswered');
  expect(answers.map(({ data }) => data.provesNotExecuted)).toEqual([false, false, false]);
  expect(await gateway.does.showCertificate(later)).toBeNull();
  // A second broken promise is told, too; what is at risk was counted with the first.
  await gateway.does.receiveCallbacks([callback(other, 'acme', 'w-1')]);
  expect((await told()).map(({ event }) => event.data)).toMatchObject([
    { slips: [broken], switchedOff: true },
    { slips: [other], switchedOff: false, slipsAtRisk: 0, firstAtRisk: [] },
  ]);

  const restore = { provider: 'acme', reason: 'the bound is 5 s now', actor: 'ops-1', requestId: 'r-1' };
  expect(await gateway.does.restoreProof(restore)).toEqual({ changed: true });
  expect(await gateway.does.restoreProof(restore)).toEqual({ changed: false });
  expect(await gateway.does.restoreProof({ ...restore, provider: 'gone' })).toBeNull();
  expect(await gateway.does.showProvider('acme')).toMatchObject({ proof: { off: false, actor: 'ops-1' } });
  const again = await gateway.slip();
  expect(await gateway.event(again, 'InquiryAnswered')).toMatchObject({ provesNotExecuted: true });
  expect((await opsEvents()).filter(({ event }) => event.type === 'ProviderProofRestored')).toHaveLength(1);
});

test('a slip that its provider cancels by our reference goes on, or is given back, though no bound is declared', async () => {
  acme.answer = null;
  await gateway.startWorkers(rulesOf({ acceptanceDelayMaxMs: null, cancelByReference: true }));
  const moved = await gateway.slip();
  expect(await gateway.event(moved, 'SlipReturned')).toMatchObject({ provider: 'borealis' });
  expect([acme.cancelled, acme.sent, borealis.sent]).toEqual([[moved], [moved], [moved]]);
  const intents = (await gateway.published(moved)).filter((event) => event.type === 'DispatchIntended');
  expect(intents.at(-1)!.data).toMatchObject({
    detail: expect.stringContaining('Cancelled by our reference'),
  });

  const off = { provider: 'borealis', disabled: true, reason: 'r', actor: 'ops-1', requestId: 'r-1' };
  await gateway.does.switchProvider(off);
  const refunded = await gateway.slip();
  expect(await gateway.event(refunded, 'InquiryAnswered')).toMatchObject({
    ...{ answer: 'not_found', provesNotExecuted: true, detail: expect.stringMatching(/^Cancelled/) },
  });
  expect(acme.cancelled).toEqual([moved, refunded]);
  const certificate = JSON.parse((await gateway.does.showCertificate(refunded))!) as { payload: string };
  expect(JSON.parse(Buffer.from(certificate.payload, 'base64').toString())).toMatchObject({
    claim: 'not_executed',
    attempts: [{ provider: 'acme', end: 'cancelled', cancelled: { http_status: 200 } }],
  });

  // It executes it all the same: then its confirmations are worth nothing any more.
  await gateway.does.receiveCallbacks([callback(refunded, 'acme', 'w-1')]);
  const told = (await opsEvents()).filter(({ event }) => event.type === 'ProviderPromiseBroken');
  expect(told).toMatchObject([{ event: { data: { slips: [refunded], switchedOff: true } } }]);
  const later = await gateway.slip();
  await gateway.event(later, 'DispatchUnanswered');
  await gateway.feed(recorded(later, inquiryRequested(1)));
  await answerTo(later, 1);
  expect(acme.cancelled).toEqual([moved, refunded]);
});

test('a provider that accepts a slip later than it declares is believed no more, though it denied nothing', async () => {
  acme.answer = null;
  // Whoever asks learns nothing.
  acme.known = {};
  gateway.routes.set('default', [{ id: 'acme', priority: 1, weight: 1 }]);
  await gateway.startWorkers(rulesOf({ acceptanceDelayMaxMs: 200 }));
  const [late, inTime] = [await gateway.slip(), await gateway.slip()];
  const notAfter = new Map<string, Instant>();
  for (const slip of [late, inTime]) {
    await gateway.event(slip, 'DispatchUnanswered');
    notAfter.set(slip, (await gateway.row(slip)).not_after as Instant);
  }
  const lateMs = 200 + providerClockMs + 50;
  const acceptedAt = addMs(notAfter.get(late)!, lateMs);
  await waitFor(() => Date.now() > instantToMs(acceptedAt), { what: 'the time of its acceptance' });
  acme.knows(inTime, { status: 'pending', accepted_at: addMs(notAfter.get(inTime)!, 200) });
  await gateway.event(inTime, 'SlipAcknowledged');
  expect(await gateway.does.showProvider('acme')).toMatchObject({ proof: null });
  acme.knows(late, { status: 'pending', accepted_at: acceptedAt });
  await gateway.event(late, 'SlipAcknowledged');
  const told = (await opsEvents()).filter(({ event }) => event.type === 'ProviderPromiseBroken');
  expect(told.map(({ event }) => event.data)).toMatchObject([
    { provider: 'acme', slips: [late], broken: [{ amount: 1250n, currency: 'EUR' }], switchedOff: true },
  ]);
  expect(await gateway.does.showProvider('acme')).toMatchObject({
    proof: { off: true, reason: expect.stringContaining(late) },
  });
});

test('what went on by the word of a provider that broke it is not sent', async () => {
  acme.answer = null;
  borealis.answer = null;
  await gateway.startWorkers(rulesOf({ concurrencyMax: 8 }));
  const shown = await gateway.slip();
  await gateway.event(shown, 'DispatchUnanswered');
  // It waits for the other one, which is not called now.
  const off = { provider: 'borealis', disabled: true, reason: 'r', actor: 'ops-1', requestId: 'r-1' };
  await gateway.does.switchProvider(off);
  await waitFor(async () => (await gateway.row(shown)).first_not_found_at !== null, { what: 'a NOT_FOUND' });
  acme.knows(shown, { status: 'succeeded' });
  await gateway.does.receiveCallbacks([callback(shown, 'acme', 'w-1')]);
  expect(await gateway.does.showProvider('acme')).toMatchObject({ proof: { off: true } });
  const moved = v7();
  await gateway.feed(recorded(moved, submitted()), recorded(moved, fundsHeld));
  await gateway.event(moved, 'DispatchUnanswered');
  await gateway.unitOfWork.query(
    `with went as (
      insert into attempt select slip_id, attempt, 'acme', not_after, 'unanswered', not_after from dispatch where slip_id = $1
    ) update dispatch set provider = 'borealis', status = 'held', moved = true, sent_maybe = false, not_after = null, next_at = now()
      where slip_id = $1`,
    [moved],
  );
  await gateway.does.switchProvider({ ...off, disabled: false });
  await gateway.feed(recorded(moved, inquiryRequested(1)));
  await answerTo(moved, 1);
  const [answered] = (await gateway.published(moved)).filter((event) => event.type === 'InquiryAnswered');
  expect(answered?.data).toMatchObject({ answer: 'no_answer', provesNotExecuted: false });
  expect(await gateway.does.dispatchDueSlips({ record: async () => {}, onFree: () => {} })).toBe(0);
  expect(borealis.sent).toEqual([]);
});

async function answerTo(slip: string, n: number): Promise<void> {
  const isAnswer = (event: SlipEvent) => event.type === 'InquiryAnswered' && event.data.inquiry === n;
  await waitFor(async () => (await gateway.published(slip)).some(isAnswer), {
    what: `the answer to question ${n}`,
  });
}

test('a slip that may be with a provider without a declared bound goes nowhere else', async () => {
  acme.answer = null;
  await gateway.startWorkers(rulesOf({ acceptanceDelayMaxMs: null }));
  const slip = await gateway.slip();
  await gateway.event(slip, 'DispatchUnanswered');
  for (let n = 1; n <= 3; n++) {
    await gateway.feed(recorded(slip, inquiryRequested(n)));
    await answerTo(slip, n);
  }
  const answers = (await gateway.published(slip)).filter((event) => event.type === 'InquiryAnswered');
  expect(answers.map(({ data }) => data.provesNotExecuted)).toEqual([false, false, false]);
  expect(borealis.sent).toEqual([]);
});

test('a slip that people gave back without a proof is asked about, also behind its deadline, until it is known how it ended', async () => {
  acme.answer = null;
  const recheckLadderMs = [100, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000];
  await gateway.startWorkers(rulesOf({ acceptanceDelayMaxMs: null, recheckLadderMs }));
  const slip = await gateway.slip();
  await gateway.event(slip, 'DispatchUnanswered');
  await gateway.unitOfWork.query('update dispatch set deadline = clock_timestamp() where slip_id = $1', [
    slip,
  ]);
  acme.knows(slip, { status: 'pending' });
  await gateway.feed(recorded(slip, refundRequested('no_answer')), recorded(slip, slipRefunded));
  await gateway.event(slip, 'SlipAcknowledged');
  acme.knows(slip, { status: 'succeeded' });
  const returned = await gateway.event(slip, 'SlipReturned');
  expect(returned).toMatchObject({ outcome: 'succeeded', evidence: 'inquiry_answer' });
});
