import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  encodeInbound,
  type Inbound,
  readEnvelope,
  type SubmitSlip,
  sources,
  type Tick,
  topics,
} from '@slipstream/contracts';
import { partitionOf, TickReader } from '@slipstream/kafka';
import { addMs, type Instant } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import { type CollectedSpan, type SpanCollector, startSpanCollector, waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { expectProblem, goodBody, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let ticks: TickReader;
let collector: SpanCollector;
beforeAll(async () => {
  collector = await startSpanCollector();
  intake = await intakeUnderTest('', collector.url);
  service = await intake.start();
  await intake.start();
  ticks = new TickReader({ kafka: intake.kafka, name: 'intake-test', onFatal: () => undefined });
  await ticks.start();
});
afterAll(async () => {
  await ticks?.stop();
  await intake?.stop();
  await collector?.close();
});

const partitions = topics.commands.partitions;
const submitSlip: SubmitSlip = {
  reference: '',
  kind: 'payment',
  account: 'cust-42',
  counterparty: 'shop-7',
  amount: { amount: 1250n, currency: 'EUR' },
  route: 'default',
  deadline: null,
  metadata: {},
};

interface Given {
  /** The command's; absent: a new one. */
  readonly id?: string;
  readonly traceparent?: string;
  readonly clock?: string;
  readonly time?: Instant | null;
  readonly caller?: string;
}

function inbound(
  command: Inbound['command'],
  { id = randomUUID(), clock = 'wall', time = null, caller = '/shop', traceparent = '' }: Given,
): Buffer {
  const head = { id, caller, clock, time, traceparent, subject: 'any' };
  return Buffer.from(encodeInbound({ ...head, command }));
}

/** Sends commands together; those of one reference go to one partition, in this order. */
async function submit(...commands: [string, Partial<SubmitSlip>?, Given?][]): Promise<void> {
  await intake.producer.sendBatch(
    commands.map(([reference, change = {}, given = {}]) => ({
      topic: topics.commands.name,
      partition: partitionOf(reference, partitions),
      key: reference,
      value: inbound({ type: 'SubmitSlip', data: { ...submitSlip, reference, ...change } }, given),
    })),
  );
}

async function advance(clock: string, time: Instant, close: boolean, only?: number): Promise<void> {
  const all = only === undefined ? Array.from({ length: partitions }, (_, partition) => partition) : [only];
  await intake.producer.sendBatch(
    all.map((partition) => ({
      topic: topics.commands.name,
      partition,
      key: null,
      value: inbound({ type: 'AdvanceClock', data: { clock, time, close } }, {}),
    })),
  );
}

async function sendRaw(
  key: string,
  value: Buffer | null,
  headers: Record<string, string> = {},
): Promise<void> {
  const partition = partitionOf(key, partitions);
  const record = { topic: topics.commands.name, partition, key, value: value as Buffer, headers };
  await intake.producer.sendBatch([record]);
}

const byCommand = (a: object, b: object): number => {
  const of = (one: object) => String((one as { commandId: unknown }).commandId);
  return of(a) < of(b) ? -1 : 1;
};
const deadLetterOf = (key: string) =>
  waitFor(() => intake.deadLetters.find((letter) => letter.key === key), {
    what: `the dead letter ${key}`,
  });
const tickOf = (clock: string, when: (tick: Tick) => boolean) =>
  waitFor(
    () => {
      const tick = ticks.latest(sources.intake, clock);
      return tick && when(tick) ? tick : null;
    },
    { what: `the watermark of ${clock}` },
  );

/** Everything of these references that was ever published, once the marker sent after it has come through everywhere. */
async function settled(references: readonly string[]) {
  const clock = `settled-${randomUUID()}`;
  await advance(clock, '2000-01-01T00:00:00.000000Z', true);
  const { marks } = await tickOf(clock, ({ closed }) => closed);
  await waitFor(
    () => marks.every(({ partition, offset }) => (intake.readTo.get(partition) ?? 0) >= Number(offset)),
    { what: 'the events before the watermark' },
  );
  return references.map((reference) =>
    intake.events.filter(({ event }) => 'reference' in event.data && event.data.reference === reference),
  );
}

describe('a submission on the wall clock', () => {
  test('is received when the broker appended it', async () => {
    await submit(['wall-1', { metadata: { gift: 'yes' } }]);
    const [record] = await intake.eventsOf('wall-1');
    expect(record).toMatchObject({
      clock: 'wall',
      event: {
        type: 'SlipSubmitted',
        data: { caller: '/shop', provider: 'acme', details: { clear: { metadata: { gift: 'yes' } } } },
      },
    });
    // Broker append times are whole milliseconds.
    expect(record!.receivedTime).toMatch(/\.\d{3}000Z$/);
    expect(record!.receivedTime <= record!.time).toBe(true);
    expect(record!.event.data).toMatchObject({ deadline: addMs(record!.receivedTime, 5_000) });
  });

  test('in binary mode is the same', async () => {
    const { data } = readEnvelope(
      inbound({ type: 'SubmitSlip', data: { ...submitSlip, reference: 'binary' } }, {}),
    );
    await sendRaw('binary', Buffer.from(data), {
      'content-type': 'application/protobuf',
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: '/shop',
      ce_type: 'slipstream.command.submit_slip.v1',
      ce_traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    const [record] = await intake.eventsOf('binary');
    expect(record).toMatchObject({
      clock: 'wall',
      event: { type: 'SlipSubmitted', data: { caller: '/shop' } },
    });
  });

  test('repeated in one batch or later is answered once, under its own id', async () => {
    const id = randomUUID();
    await submit(['dup', {}, { id }], ['dup', {}, { id }], ['dup', { kind: 'payout' }, { id }]);
    await intake.eventsOf('dup');
    await submit(['dup', {}, { id }]);
    const [events] = await settled(['dup']);
    expect(events).toHaveLength(1);
    expect(events![0]!.event).toMatchObject({
      type: 'SlipSubmitted',
      data: { kind: 'payment', commandId: id },
    });
  });

  test('under a reference that is taken is refused by an event, which names the slip that has it', async () => {
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    await submit(['twice', {}, { id: first }], ['twice', { kind: 'payout' }, { id: second }]);
    await intake.eventsOf('twice', 2);
    await submit(['twice', {}, { id: third }], ['twice', { kind: 'payout' }, { id: second }]);
    const [events] = await settled(['twice']);
    const made = events!.find(({ event }) => event.type === 'SlipSubmitted')!;
    const refused = events!.filter((one) => one !== made);
    expect(new Set(refused.map(({ slipId }) => slipId)).size).toBe(2);
    expect(refused.map(({ event }) => event.data).toSorted(byCommand)).toEqual(
      [second, third]
        .map((commandId) => ({
          ...{ caller: '/shop', reference: 'twice', rule: 'reference_taken', field: '/reference' },
          ...{ firstSlipId: made.slipId, commandId, detail: expect.stringContaining(made.slipId) },
        }))
        .toSorted(byCommand),
    );
  });

  test('under a reference that HTTP has is refused the same way', async () => {
    const token = await intake.token('/shop');
    const headers = { 'idempotency-key': 'http-first' };
    const { body } = await post(service, token, { ...goodBody, reference: 'http-first' }, headers);
    await submit(['http-first']);
    const [, refused] = await intake.eventsOf('http-first', 2);
    expect(refused!.event).toMatchObject({
      type: 'SlipRejected',
      data: { rule: 'reference_taken', firstSlipId: body.id },
    });
  });

  test('that was refused is judged anew once it is corrected, under an id of its own', async () => {
    const [wrong, right] = [randomUUID(), randomUUID()];
    await submit(
      ['corrected', { route: 'nowhere' }, { id: wrong }],
      ['corrected', {}, { id: right }],
      ['corrected-later', { route: 'nowhere' }, { id: wrong }],
    );
    await intake.eventsOf('corrected-later');
    await submit(
      // Under the id of the one that was refused it is that one.
      ['corrected-later', {}, { id: wrong }],
      ['corrected-later', {}, { id: right }],
    );
    const answers = (await settled(['corrected', 'corrected-later'])).map((events) =>
      events.map(({ event }) => [event.type, (event.data as { commandId: string }).commandId]),
    );
    for (const found of answers) {
      expect(found.toSorted()).toEqual([
        ['SlipRejected', wrong],
        ['SlipSubmitted', right],
      ]);
    }
  });

  test('shares its references with HTTP', async () => {
    await submit(['both']);
    await intake.eventsOf('both');
    const token = await intake.token('/shop');
    const answer = await post(
      service,
      token,
      { ...goodBody, reference: 'both' },
      { 'idempotency-key': 'both' },
    );
    expectProblem(answer, 409, 'reference_taken');
  });

  test('that breaks a rule is rejected by an event, which names the command and the field', async () => {
    const broken: [string, Partial<SubmitSlip>, string, string][] = [
      ['same', { counterparty: 'cust-42' }, 'same_account', '/counterparty'],
      ['route', { route: 'nowhere' }, 'route_unknown', '/route'],
      ['kind', { route: 'orders' }, 'kind_not_on_route', '/kind'],
      ['past', { deadline: '2001-01-01T00:00:00.000000Z' }, 'deadline_in_past', '/deadline'],
      ['far', { deadline: '2999-01-01T00:00:00.000000Z' }, 'deadline_too_far', '/deadline'],
      ['a control character', { account: 'a\u0007b' }, 'field_invalid', '/account'],
      ['no kind', { kind: 'refund' as never }, 'field_invalid', '/kind'],
      ['no amount', { amount: { amount: 0n, currency: 'EUR' } }, 'field_invalid', '/amount/amount'],
      ['no currency', { amount: { amount: 1n, currency: 'eur' } }, 'field_invalid', '/amount/currency'],
    ];
    const sent = broken.map(([name, change]): [string, Partial<SubmitSlip>, Given] => {
      return [`rule-${name}`, change, { id: `command ${name}` }];
    });
    await submit(...sent);
    await submit(...sent);
    const found = await settled(broken.map(([name]) => `rule-${name}`));
    for (const [index, [name, , rule, field]] of broken.entries()) {
      const named = { caller: '/shop', reference: `rule-${name}`, commandId: `command ${name}` };
      expect(found[index]).toMatchObject([
        { event: { type: 'SlipRejected', data: { ...named, rule, field } } },
      ]);
    }
  });

  test('without a route goes the one that HTTP means', async () => {
    await submit(['no-route', { route: '' }]);
    const [{ event } = {} as never] = await intake.eventsOf('no-route');
    expect(event).toMatchObject({ type: 'SlipSubmitted', data: { route: 'default' } });
  });
});

describe('a record that is no command', () => {
  test.each<[string, () => Buffer | null]>([
    ['null', () => null],
    ['empty', () => Buffer.alloc(0)],
    ['JSON', () => Buffer.from('{"reference":"x"}')],
    ['random', () => Buffer.from('f3a9ff00ffee12', 'hex')],
    [
      'cut off',
      () => inbound({ type: 'SubmitSlip', data: { ...submitSlip, reference: 'cut' } }, {}).subarray(0, 40),
    ],
    [
      'a caller with a line break',
      () => inbound({ type: 'SubmitSlip', data: { ...submitSlip, reference: 'x' } }, { caller: 'a\nb' }),
    ],
    [
      'a result',
      () =>
        inbound(
          {
            type: 'ReportResult',
            data: {
              reference: 'x',
              step: 'returned',
              outcome: 'succeeded',
              progress: '',
              reason: null,
              amount: null,
              providerReference: null,
              providerTime: null,
            },
          },
          {},
        ),
    ],
    [
      'an advance of the wall',
      () =>
        inbound(
          {
            type: 'AdvanceClock',
            data: { clock: 'wall', time: '2026-01-01T00:00:00.000000Z', close: false },
          },
          {},
        ),
    ],
    [
      'an advance of a nameless clock',
      () =>
        inbound(
          { type: 'AdvanceClock', data: { clock: '', time: '2026-01-01T00:00:00.000000Z', close: false } },
          {},
        ),
    ],
    [
      'an advance to no time',
      () => inbound({ type: 'AdvanceClock', data: { clock: 'c', time: null as never, close: false } }, {}),
    ],
  ])('%s: a dead letter', async (name, value) => {
    await sendRaw(`raw ${name}`, value());
    expect((await deadLetterOf(`raw ${name}`)).headers['dlq-reason']).toBe('rejected');
  });

  test('is told with its publisher’s id, where that can be read', async () => {
    const headers = { 'content-type': 'application/protobuf', ce_id: 'theirs', ce_source: '/shop' };
    const type = { ce_type: 'slipstream.command.submit_slip.v1' };
    await sendRaw('broken message', Buffer.from([0x0a, 9, 0x61]), { ...headers, ...type });
    expect((await deadLetterOf('broken message')).headers).toMatchObject({
      'dlq-event-id': 'theirs',
      'dlq-event-source': '/shop',
    });
  });

  test('does not hold up the others of its batch', async () => {
    await submit(['before'], ['poison', {}, { caller: 'a\nb' }], ['after']);
    await Promise.all([intake.eventsOf('before'), intake.eventsOf('after'), deadLetterOf('poison')]);
    await waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, { what: 'intake to be ready' });
  });
});

describe('an import’s clock', () => {
  const at = '2017-03-01T12:00:00.000000Z';

  test('gives its slips the importer’s time and their own deadline, without limits', async () => {
    const on = { clock: 'import-a', time: at };
    await submit(
      ['imp-policy', { route: 'import' }, on],
      ['imp-own', { route: 'import', deadline: '2017-02-01T00:00:00.000000Z' }, on],
      ['imp-live', { route: 'default' }, on],
    );
    const [policy] = await intake.eventsOf('imp-policy');
    const [own] = await intake.eventsOf('imp-own');
    const [live] = await intake.eventsOf('imp-live');
    expect(policy).toMatchObject({
      clock: 'import-a',
      receivedTime: at,
      event: { type: 'SlipSubmitted', data: { mode: 'reported', deadline: '2017-03-02T12:00:00.000000Z' } },
    });
    expect(own!.event.data).toMatchObject({ deadline: '2017-02-01T00:00:00.000000Z' });
    expect(live!.event).toMatchObject({ type: 'SlipRejected', data: { rule: 'route_not_reported' } });
  });

  test('binds a reference: another clock is refused, each command once', async () => {
    const route = { route: 'import' };
    const first = { clock: 'import-a', time: at, id: randomUUID() };
    await submit(['bound', route, first]);
    const [made] = await intake.eventsOf('bound');
    const again = { clock: 'import-b', time: at, id: randomUUID() };
    await submit(['bound', route, again], ['bound', route, again]);
    await intake.eventsOf('bound', 2);
    await submit(['bound', route, again], ['bound', route, first], ['bound', route, { clock: 'wall' }]);
    const [events] = await settled(['bound']);
    expect(events!.map(({ clock, event }) => [clock, event.type])).toEqual(
      expect.arrayContaining([
        ['import-a', 'SlipSubmitted'],
        ['import-b', 'SlipRejected'],
        ['wall', 'SlipRejected'],
      ]),
    );
    expect(events).toHaveLength(3);
    expect(new Set(events!.map(({ slipId }) => slipId)).size).toBe(3);
    for (const { event } of events!.filter(({ slipId }) => slipId !== made!.slipId)) {
      expect(event.data).toMatchObject({ rule: 'reference_on_other_clock', firstSlipId: made!.slipId });
    }
  });

  test('stands where its last partition stands, and never goes back', async () => {
    for (let partition = 1; partition < partitions; partition++)
      await advance('import-c', at, false, partition);
    await settled([]);
    expect(ticks.latest(sources.intake, 'import-c')).toBeUndefined();
    await advance('import-c', addMs(at, -1_000), false, 0);
    const first = await tickOf('import-c', () => true);
    expect(first).toMatchObject({ closed: false });
    expect(new Set(first.marks.map(({ time }) => time))).toEqual(new Set([addMs(at, -1_000)]));
    await advance('import-c', addMs(at, 1_000), false, 0);
    await tickOf('import-c', ({ marks }) => marks.every(({ time }) => time === at));
    await advance('import-c', addMs(at, -5_000), true);
    const last = await tickOf('import-c', ({ closed }) => closed);
    expect(new Set(last.marks.map(({ time }) => time))).toEqual(new Set([at]));
  });

  test('has every earlier event before its watermark, and takes nothing once it is closed', async () => {
    const references = Array.from({ length: 200 }, (_, i) => `bulk-${i}`);
    const on = { clock: 'import-d', time: at };
    await submit(
      ...references.map((reference, index): [string, Partial<SubmitSlip>, Given] => [
        reference,
        { route: 'import' },
        { ...on, id: `bulk ${index}` },
      ]),
    );
    await advance('import-d', at, true);
    const { marks } = await tickOf('import-d', ({ closed }) => closed);
    const offsets = new Map(marks.map(({ partition, offset }) => [partition, Number(offset)]));
    const found = await Promise.all(references.map((reference) => intake.eventsOf(reference)));
    for (const [record] of found) {
      // Every record of the topic is intake's own here, so an event's offset is its number less one.
      expect(Number(record!.sequence) - 1).toBeLessThan(offsets.get(record!.partition)!);
    }
    const repeat = { ...on, id: 'bulk 0' };
    await submit(['too-late', { route: 'import' }, on], [references[0]!, { route: 'import' }, repeat]);
    const [late, repeated] = await settled(['too-late', references[0]!]);
    expect(late).toMatchObject([{ event: { type: 'SlipRejected', data: { rule: 'clock_closed' } } }]);
    expect(repeated).toHaveLength(1);
  });
});

test('the wall clock is vouched for beyond what was handled', async () => {
  await submit(['vouched']);
  const [record] = await intake.eventsOf('vouched');
  const tick = await tickOf('wall', ({ marks }) => marks.every(({ time }) => time > record!.time));
  const mark = tick.marks.find(({ partition }) => partition === record!.partition)!;
  expect(Number(mark.offset)).toBeGreaterThanOrEqual(Number(record!.sequence));
  expect(tick.marks).toHaveLength(12);
  expect(tick.closed).toBe(false);
});

describe('spans', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const parent = 'b7ad6b7169203331';
  const sendOf = async (reference: string): Promise<CollectedSpan> => {
    const slipId = (await intake.eventsOf(reference))[0]!.slipId;
    return waitFor(
      () =>
        collector.spans.find(
          ({ name, facts }) => name.startsWith('send ') && facts['cloudevents.event_subject'] === slipId,
        ),
      { what: `the span of ${reference}'s event` },
    );
  };
  const spanOf = (id: string) =>
    waitFor(() => collector.spans.find(({ spanId }) => spanId === id), { what: `the span ${id}` });

  test('of a request: it is below its caller, and what it causes is below it', async () => {
    const token = await intake.token('shop');
    const given = { 'idempotency-key': 'traced', traceparent: `00-${traceId}-${parent}-01` };
    await post(service, token, { ...goodBody, reference: 'traced' }, given);
    const send = await sendOf('traced');
    expect(send).toMatchObject({
      ...{ service: 'intake', traceId, kind: 4, statusCode: 0 },
      name: 'send slipstream.slip.submitted.v1',
      facts: { 'messaging.system': 'kafka', 'messaging.destination.name': topics.events.name },
    });
    const request = await spanOf(send.parentSpanId);
    expect(request).toMatchObject({
      ...{ name: 'POST /v1/slips', kind: 2, traceId, parentSpanId: parent },
      facts: { 'http.response.status_code': '202', 'http.route': '/v1/slips', 'url.path': '/v1/slips' },
    });
    expect(send.endedNs > send.startedNs).toBe(true);
  });

  test('of a request without a trace begin one, and probes are nobody’s', async () => {
    const token = await intake.token('shop');
    await post(service, token, { ...goodBody, reference: 'untraced' }, { 'idempotency-key': 'untraced' });
    const request = await spanOf((await sendOf('untraced')).parentSpanId);
    expect([request.name, request.parentSpanId]).toEqual(['POST /v1/slips', '']);
    expect(collector.spans.filter(({ name }) => name.endsWith('/readyz'))).toEqual([]);
  });

  test('of a command are those of its trace; one without begins one', async () => {
    await submit(['span-1', {}, { traceparent: `00-${traceId}-${parent}-01` }], ['span-2']);
    expect(await sendOf('span-1')).toMatchObject({ traceId, parentSpanId: parent });
    const handled = await waitFor(
      () => collector.spans.find(({ kind, parentSpanId }) => kind === 5 && parentSpanId === parent),
      { what: 'the span of the command' },
    );
    expect(handled).toMatchObject({
      name: 'process slipstream.command.submit_slip.v1',
      facts: {
        'messaging.consumer.group.name': 'intake',
        'messaging.destination.name': topics.commands.name,
      },
    });
    const begun = await spanOf((await sendOf('span-2')).parentSpanId);
    expect([begun.kind, begun.parentSpanId]).toEqual([5, '']);
  });

  test('are told to nobody where the caller does not tell its own', async () => {
    const other = 'f'.repeat(32);
    await submit(['silent', {}, { traceparent: `00-${other}-${parent}-00` }], ['loud']);
    await intake.eventsOf('silent');
    await sendOf('loud');
    expect(collector.spans.filter((span) => span.traceId === other)).toEqual([]);
  });
});
