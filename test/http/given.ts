import { createHmac, randomUUID } from 'node:crypto';
import { topics } from '@slipstream/contracts';
import { createKafka } from '@slipstream/kafka';
import type { RuleChange } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { type ScriptedProvider, secret } from '../e2e/scripted-provider.ts';
import { type Operation, services } from './api-description.ts';

/** What an operation is asked with beyond what its example shows: whatever must be there, or may be said only once. */
export interface Given {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>> & { readonly id: string };
type Service = keyof typeof services;

/** Rules under which all of it can be: a provider of the spec's own, and a source of statements. */
export function rulesOfExamples(provider: ScriptedProvider): readonly RuleChange[] {
  const said = { base_url: provider.url, secret, answer_timeout_ms: 2_000, acceptance_delay_max_ms: 1_000 };
  const route = { mode: 'dispatched', provider: 'scripted', overdraft: true, quiet_period_ms: 2_000 };
  return [
    { path: ['providers', 'scripted'], value: { ...said, poll_ladder_ms: [] } },
    {
      path: ['routes', 'scripted'],
      value: { ...route, outcome_deadline_ms: 600_000, inquiry_ladder_ms: [0, 2_000, 4_000] },
    },
    {
      path: ['routes', 'late'],
      value: { ...route, outcome_deadline_ms: 3_000, inquiry_ladder_ms: [0, 500] },
    },
    {
      path: ['statements', 'acme-settlements'],
      value: {
        ...{ provider: 'acme', format: 'csv' },
        csv: {
          ...{ unit: 'minor', date: 'day', amount: 'net', gross: 'gross', currency: 'EUR' },
          ...{ references: ['reference'], balance: 'balance', kind: 'kind' },
          kinds: { paid: 'payment', back: 'return', fee: 'fee' },
        },
      },
    },
  ];
}

/** So many that miss their deadline one after the other are an outage. */
const lateSlips = 8;
const nobody = '019b0000-0000-7000-8000-00000000dead';

/** What is there for examples to be about: made once, of the running services' own ways in. */
export class ExampleWorld {
  readonly #late: Promise<readonly string[]>;
  readonly #memo = new Map<string, Promise<unknown>>();

  constructor(
    private readonly env: Readonly<Record<string, string>>,
    private readonly provider: ScriptedProvider,
  ) {
    // They take the longest, so they begin at once.
    this.#late = Promise.all(
      Array.from({ length: lateSlips }, (_, n) => this.submit({ reference: `late-${n}`, route: 'late' })),
    );
    this.#late.catch(() => undefined);
  }

  async ask(service: Service, path: string, role: string, body?: unknown, type = 'application/json') {
    const answer = await fetch(`${this.env[service]}${path}`, {
      headers: {
        ...{ authorization: `Bearer ${this.env[`TOKEN_${role}`]}`, 'idempotency-key': randomUUID() },
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined
        ? {}
        : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Json;
  }

  async list(service: Service, path: string): Promise<readonly Json[]> {
    return (await this.ask(service, path, 'ADMIN')).data as readonly Json[];
  }

  /** The first of a list, once there is one. */
  first(service: Service, path: string, atLeast = 1): Promise<Json> {
    const found = async () => {
      const all = await this.list(service, path);
      return all.length >= atLeast ? all.at(-1)! : null;
    };
    return waitFor(found, { what: `something at ${path}`, intervalMs: 200 });
  }

  async submit(more: Readonly<Record<string, unknown>>, role = 'PUBLISHER'): Promise<string> {
    const { id } = await this.ask('INTAKE_URL', '/v1/slips', role, {
      ...{ reference: `given-${randomUUID()}`, kind: 'order', account: 'cust-42', counterparty: 'shop-7' },
      ...{ route: 'scripted', amount: { amount: '1250', currency: 'EUR' } },
      ...more,
    });
    return id;
  }

  async reaches(slipId: string, ...statuses: string[]): Promise<string> {
    const isThere = async () => {
      const { status } = await this.ask('LEDGER_URL', `/v1/slips/${slipId}`, 'ADMIN');
      return statuses.includes(String(status));
    };
    await waitFor(isThere, { what: `${slipId} to be ${statuses.join(' or ')}`, intervalMs: 100 });
    return slipId;
  }

  /** A slip that the provider has, and of which it has told nothing final. */
  async pending(): Promise<string> {
    const id = await this.submit({});
    await this.provider.received(id);
    return id;
  }

  async tell(data: Readonly<Record<string, unknown>>): Promise<void> {
    const body = JSON.stringify({ type: 'slip.updated', timestamp: new Date().toISOString(), data });
    const headers = { 'content-type': 'application/json', ...signed(body) };
    const url = `${this.env.GATEWAY_URL}/v1/callbacks/scripted`;
    const answer = await fetch(url, { method: 'POST', headers, body });
    if (answer.status !== 202) throw new Error(`a callback was answered ${answer.status}`);
  }

  async settled(): Promise<string> {
    const slip_id = await this.pending();
    const amount = { amount: '1250', currency: 'EUR' };
    await this.tell({ slip_id, status: 'succeeded', reason: null, provider_id: `p-${slip_id}`, amount });
    return this.reaches(slip_id, 'settled');
  }

  /** Settled, and then denied by its provider: its money is in suspense. */
  async denied(): Promise<string> {
    const slip_id = await this.settled();
    const at = new Date(Date.now() + 1_000).toISOString();
    await this.tell({ slip_id, status: 'failed', reason: 'AC04', provider_id: `p-${slip_id}`, at });
    const isThere = async () =>
      (await this.list('LEDGER_URL', '/v1/suspense?page_size=500')).some((one) => one.slip_id === slip_id);
    await waitFor(isThere, { what: `money of ${slip_id} in suspense`, intervalMs: 100 });
    return slip_id;
  }

  /** A proposal about money in suspense, of somebody else than who decides. */
  async proposed(): Promise<string> {
    const path = `/v1/suspense/${await this.denied()}/decisions`;
    return (await this.ask('LEDGER_URL', path, 'OPS', { decision: 'give_back', reason: 'they confirmed it' }))
      .id;
  }

  reviewed(): Promise<string> {
    const amount = { amount: '100000', currency: 'EUR' };
    return this.submit({ kind: 'payout', route: 'payouts', amount, account: `acc-${randomUUID()}` });
  }

  draft(): Promise<string> {
    return this.submit({ route: 'default', confirm: false }, 'ADMIN');
  }

  /** The id of one of several slips with an open case; each number names another one. */
  async withCase(n: number): Promise<string> {
    const slipId = (await this.#late)[n]!;
    const open = async () =>
      (await this.list('RECONCILIATION_URL', '/v1/cases?status=open&page_size=500')).some(
        (one) => one.slip_id === slipId,
      );
    await waitFor(open, { what: `a case of ${slipId}`, intervalMs: 200 });
    return slipId;
  }

  /** A refund by hand that somebody else has proposed. */
  async refundOf(n: number): Promise<string> {
    const path = `/v1/cases/${await this.withCase(n)}/actions`;
    const body = { action: 'refund', reason: 'the payer cannot wait' };
    return (await this.ask('RECONCILIATION_URL', path, 'OPS', body)).id;
  }

  incident(): Promise<Json> {
    return this.first('RECONCILIATION_URL', '/v1/incidents');
  }

  /** A slip that was proved not to be executed: the call broke off, and the provider says twice that it has none. */
  notExecuted(): Promise<string> {
    return this.once('not executed', async () => {
      const reference = `never-${randomUUID()}`;
      this.provider.script(reference, {
        post: ({ request }) => void request.socket.destroy(),
        get: ({ say }) => say(404, { status: 'not_found' }),
      });
      return this.reaches(await this.submit({ reference, route: 'late' }), 'refunded', 'not_returned');
    });
  }

  /** The id of a statement that names three slips that nobody has. */
  statement(): Promise<string> {
    return this.once('statement', () => this.#matched(statementFile('given')));
  }

  /** A day of which one statement tells, and that is matched. */
  bridgedDay(): Promise<string> {
    return this.once('bridged', async () => {
      const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
      // Those of today go on from there.
      await this.#matched(statementFile('bridged', day, 1_000 - 3 * 77));
      return day;
    });
  }

  async #matched(file: string): Promise<string> {
    const path = '/v1/statements?source=acme-settlements';
    const { id } = await this.ask('RECONCILIATION_URL', path, 'ADMIN', file, 'text/csv');
    const isMatched = async () =>
      (await this.ask('RECONCILIATION_URL', `/v1/statements/${id}`, 'ADMIN')).status === 'matched';
    await waitFor(isMatched, { what: 'the statement to be matched', intervalMs: 200 });
    return id;
  }

  async breakId(n: number): Promise<string> {
    const path = `/v1/breaks?statement=${await this.statement()}`;
    await this.first('RECONCILIATION_URL', path, 3);
    return (await this.list('RECONCILIATION_URL', path))[n]!.id;
  }

  /** Ids of records that the service set aside; they are no events. */
  async letters(service: Service): Promise<readonly Json[]> {
    await this.once('poison', () => this.#poison());
    await this.first(service, '/v1/dead-letters?status=parked', 3);
    return this.list(service, '/v1/dead-letters?status=parked&page_size=500');
  }

  async redrive(service: Service): Promise<string> {
    const [letter] = await this.letters(service);
    const body = { ids: [letter!.id], dry_run: false, reason: 'the release that reads it is here' };
    return (await this.ask(service, '/v1/dead-letters/redrive', 'ADMIN', body)).id;
  }

  async #poison(): Promise<void> {
    const kafka = createKafka({ brokers: this.env.KAFKA_BROKERS!.split(','), clientId: 'examples' });
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const messages = [1, 2, 3].map((n) => ({
      key: `nobody-${n}`,
      value: Buffer.from('no event'),
      partition: 0,
    }));
    for (const { name: topic } of [topics.events, topics.commands]) await producer.send({ topic, messages });
    await producer.disconnect();
  }

  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const known = this.#memo.get(name) ?? make();
    this.#memo.set(name, known);
    return known as Promise<T>;
  }
}

/** As Standard Webhooks 1.0.0 says. */
function signed(body: string): Readonly<Record<string, string>> {
  const id = `msg_${randomUUID()}`;
  const seconds = Math.floor(Date.now() / 1_000);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  };
}

function statementFile(name: string, day = new Date().toISOString().slice(0, 10), opening = 1_000): string {
  const lines = [1, 2, 3].map((n) => `${day},77,77,${name}-${n},${opening + 77 * n},paid`);
  return ['day,net,gross,reference,balance,kind', ...lines, ''].join('\n');
}

const before = { before_from: '2026-11-22T10:00:00Z', before_to: '2026-11-22T12:00:00Z' };
const after = { after_from: '2026-11-22T12:00:00Z', after_to: '2026-11-22T14:00:00Z' };
type Make = (world: ExampleWorld, service: Service) => Promise<Given> | Given;
const path = (of: Promise<string>, name = 'id') => of.then((value) => ({ path: { [name]: value } }));
const ofSettled: Make = (world) => path(world.once('settled', () => world.settled()));
const none: Make = () => ({});

/** By the id of the operation. What every service has is asked of each. */
export const givens: Readonly<Record<string, Make>> = {
  getLiveness: none,
  getReadiness: none,
  getMetrics: none,
  listDeadLetters: async (world, service) => {
    await world.letters(service);
    return { query: { status: 'parked', page_size: '2' } };
  },
  countDeadLetters: none,
  getDeadLetter: async (world, service) => ({
    path: { id: (await world.letters(service))[1]!.id },
  }),
  redriveDeadLetters: () => ({ body: { filter: { reason: 'undecodable' }, dry_run: true } }),
  getRedrive: (world, service) => path(world.redrive(service)),
  dismissDeadLetter: async (world, service) => ({
    path: { id: (await world.letters(service)).at(-1)!.id },
  }),
  listStoppedPartitions: none,
  letPartitionGoOn: none,

  submitSlip: () => ({ body: { ...order, reference: `shown-${randomUUID()}` } }),
  submitSlips: () => ({ body: { slips: [{ ...order, reference: `shown-${randomUUID()}` }] } }),
  confirmDraft: (world) => path(world.draft()),
  withdrawSlip: (world) => path(world.draft()),
  listReviews: async (world) => {
    await world.reviewed();
    return { query: { route: 'payouts', page_size: '1' } };
  },
  getReview: (world) => path(world.reviewed()),
  claimReview: (world) => path(world.reviewed()),
  releaseReview: async (world) => {
    const id = await world.reviewed();
    await world.ask('INTAKE_URL', `/v1/reviews/${id}/claim`, 'ADMIN', {});
    return { path: { id } };
  },
  approveReview: (world) => path(world.reviewed()),
  declineReview: (world) => path(world.reviewed()),
  setAccountStatus: () => ({ path: { id: 'cust-42' } }),
  getAccountStatus: () => ({ path: { id: 'cust-42' } }),

  receiveCallback: async (world) => {
    const slip_id = await world.pending();
    const data = { slip_id, status: 'succeeded', reason: null, provider_id: 'acme-77', amount: order.amount };
    const body = { type: 'slip.updated', timestamp: new Date().toISOString(), data };
    return { path: { provider: 'scripted' }, body, headers: signed(JSON.stringify(body)) };
  },
  inquireAboutSlip: (world) => path(world.once('asked about', () => world.pending())),
  getInquiry: async (world) => {
    const id = await world.once('asked about', () => world.pending());
    await world.ask('GATEWAY_URL', `/v1/slips/${id}/inquire`, 'ADMIN', { reason: 'the payer asks' });
    return { path: { id } };
  },
  getCertificate: (world) => path(world.notExecuted()),
  listCertificateKeys: none,
  listUnmatched: async (world) => {
    await world.tell({ slip_id: nobody, status: 'succeeded', reason: null, provider_id: 'acme-78' });
    return { query: { kind: 'callback', page_size: '1' } };
  },
  listProviders: none,
  getProvider: () => ({ path: { id: 'acme' } }),
  disableProvider: () => ({ path: { id: 'dorado' } }),
  enableProvider: () => ({ path: { id: 'dorado' } }),
  restoreProviderProof: () => ({ path: { id: 'acme' } }),

  listCheckpoints: () => ({ query: { page_size: '1' } }),
  getCheckpoint: () => ({ path: { id: 'latest' } }),
  proveConsistency: async (world) => ({
    path: { id: 'latest' },
    query: { from: (await world.first('LEDGER_URL', '/v1/checkpoints?page_size=2', 2)).id },
  }),
  proveSlip: ofSettled,
  listSlips: async (world) => {
    await world.once('settled', () => world.settled());
    return { query: { account: 'cust-42', status: 'settled', page_size: '1' } };
  },
  getSlip: ofSettled,
  listSlipEvents: ofSettled,
  listEvents: () => ({ query: { type: 'slipstream.slip.returned.v1', page_size: '1' } }),
  listAccounts: () => ({ query: { owner: 'cust-42', page_size: '1' } }),
  getAccount: () => ({ path: { id: 'cust-42' } }),
  listTransactions: async (world) => ({
    query: { slip: await world.once('settled', () => world.settled()) },
  }),
  listSuspense: async (world) => {
    await world.once('denied', () => world.denied());
    return { query: { origin: 'denied', page_size: '1' } };
  },
  proposeSuspenseDecision: async (world) => ({
    ...(await path(world.denied(), 'slip_id')),
    body: { decision: 'give_back', reason: 'the provider confirmed the return' },
  }),
  listSuspenseDecisions: async (world) => {
    await world.once('decision', () => world.proposed());
    return { query: { status: 'proposed', page_size: '1' } };
  },
  getSuspenseDecision: (world) => path(world.once('decision', () => world.proposed())),
  approveSuspenseDecision: (world) => path(world.proposed()),
  declineSuspenseDecision: (world) => path(world.proposed()),
  getSlipStats: () => ({ query: { group_by: 'provider' } }),
  getNotReturnedStats: () => ({ query: { group_by: 'provider' } }),
  comparePeriods: () => ({ query: { ...before, ...after } }),
  streamEvents: () => ({ query: { account: 'cust-42' } }),

  listCases: async (world) => {
    await world.withCase(0);
    return { query: { status: 'open', page_size: '1' } };
  },
  getCase: (world) => path(world.withCase(0), 'slip_id'),
  actOnCase: (world) => path(world.withCase(1), 'slip_id'),
  actOnCases: async (world) => {
    await world.withCase(2);
    return {
      body: { action: 'note', reason: 'the provider repairs it', filter: { reason: 'inquiry_exhausted' } },
    };
  },
  getCaseBulk: async (world) => {
    const body = { action: 'note', reason: 'told the payer', slip_ids: [await world.withCase(3)] };
    return path(world.ask('RECONCILIATION_URL', '/v1/cases:actions', 'OPS', body).then(({ id }) => id));
  },
  listCaseActions: async (world) => {
    await world.once('refund', () => world.refundOf(4));
    return { query: { action: 'refund', page_size: '1' } };
  },
  getCaseAction: (world) => path(world.once('refund', () => world.refundOf(4))),
  approveCaseAction: (world) => path(world.refundOf(5)),
  declineCaseAction: (world) => path(world.refundOf(6)),
  getRepairBudget: none,
  listIncidents: async (world) => {
    await world.incident();
    return { query: { page_size: '1' } };
  },
  getIncident: (world) => path(world.incident().then(({ id }) => id)),
  listIncidentSlips: async (world) => ({
    path: { id: (await world.incident()).id },
    query: { page_size: '1' },
  }),
  listBreaks: async (world) => ({
    query: { statement: await world.statement(), page_size: '1' },
  }),
  acknowledgeBreak: (world) => path(world.breakId(0)),
  snoozeBreak: async (world) => ({
    path: { id: await world.breakId(1) },
    body: {
      reason: 'The provider answers on Monday',
      until: new Date(Date.now() + 86_400_000).toISOString(),
    },
  }),
  resolveBreak: (world) => path(world.breakId(2)),
  listReturnCurves: none,
  sendStatement: () => ({
    query: { source: 'acme-settlements' },
    body: statementFile('shown'),
    headers: { 'content-type': 'text/csv' },
  }),
  listStatements: async (world) => {
    await world.statement();
    return { query: { page_size: '1' } };
  },
  getStatement: (world) => path(world.statement()),
  getStatementBridge: (world) => path(world.statement()),
  listBridges: async (world) => ({
    query: { provider: 'acme', day: await world.bridgedDay() },
  }),
  getWatermarks: none,
};

const order = {
  ...{ reference: 'ord-1001', kind: 'order', account: 'cust-42', counterparty: 'shop-7', route: 'default' },
  amount: { amount: '1250', currency: 'EUR' },
  metadata: { order_no: '1001' },
};

/** What no running stack can be asked to do by an example, and the problem that it answers. */
export const refused: Readonly<Record<string, string>> = {
  // A partition that has not stopped; one that has is in libs/runtime/src/stopped-partition.int.spec.ts.
  letPartitionGoOn: 'not_found',
};

export const serviceOf = ({ service }: Operation): Service =>
  (Object.keys(services) as Service[]).find((variable) => services[variable] === service)!;
