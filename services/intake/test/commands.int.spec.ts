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
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { expectProblem, goodBody, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let ticks: TickReader;
beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start();
  await intake.start();
  ticks = new TickReader({ kafka: intake.kafka, name: 'intake-test', onFatal: () => undefined });
  await ticks.start();
});
afterAll(async () => {
  await ticks?.stop();
  await intake?.stop();
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
  readonly clock?: string;
  readonly time?: Instant | null;
  readonly caller?: string;
}

function inbound(
  command: Inbound['command'],
  { clock = 'wall', time = null, caller = '/shop' }: Given,
): Buffer {
  const head = { id: randomUUID(), caller, clock, time, traceparent: '', subject: 'any' };
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
    () =>
      marks.every(
        ({ partition, offset }) =>
          intake.events.filter((one) => one.partition === partition).length >= Number(offset),
      ),
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

  test('repeated in one batch or later says nothing new', async () => {
    await submit(['dup'], ['dup'], ['dup', { kind: 'payout' }]);
    await intake.eventsOf('dup');
    await submit(['dup']);
    const [events] = await settled(['dup']);
    expect(events).toHaveLength(1);
    expect(events![0]!.event.data).toMatchObject({ kind: 'payment' });
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

  test('that breaks a rule is rejected by an event, once', async () => {
    const broken: [string, Partial<SubmitSlip>, string][] = [
      ['same', { counterparty: 'cust-42' }, 'same_account'],
      ['route', { route: 'nowhere' }, 'route_unknown'],
      ['kind', { route: 'orders' }, 'kind_not_on_route'],
      ['past', { deadline: '2001-01-01T00:00:00.000000Z' }, 'deadline_in_past'],
      ['far', { deadline: '2999-01-01T00:00:00.000000Z' }, 'deadline_too_far'],
    ];
    await submit(...broken.map(([name, change]): [string, Partial<SubmitSlip>] => [`rule-${name}`, change]));
    await submit(...broken.map(([name]): [string] => [`rule-${name}`]));
    const found = await settled(broken.map(([name]) => `rule-${name}`));
    for (const [index, [name, , rule]] of broken.entries()) {
      expect(found[index]).toMatchObject([
        { event: { type: 'SlipRejected', data: { caller: '/shop', reference: `rule-${name}`, rule } } },
      ]);
    }
  });
});

describe('a record that is no command', () => {
  test.each<[string, Partial<SubmitSlip>, string]>([
    ['a control character', { account: 'a\u0007b' }, 'account must consist of visible characters'],
    ['an empty route', { route: '' }, 'route must not be empty'],
    ['a long name', { counterparty: 'x'.repeat(129) }, 'counterparty must have at most 128'],
    ['no kind', { kind: 'refund' as never }, 'the value is missing'],
    ['a zero amount', { amount: { amount: 0n, currency: 'EUR' } }, 'amount must be greater than 0'],
    ['a negative amount', { amount: { amount: -1n, currency: 'EUR' } }, 'amount must be greater than 0'],
    ['an unknown currency', { amount: { amount: 1n, currency: 'eur' } }, 'currency must be the ISO 4217'],
    ['much metadata', { metadata: { k: 'x'.repeat(5000) } }, 'metadata must have at most 4096 bytes'],
    ['U+0000 in the metadata', { metadata: { k: '\u0000' } }, 'metadata must not have U+0000'],
  ])('%s: a dead letter that says so', async (name, change, detail) => {
    const reference = `dead ${name}`;
    await submit([reference, change]);
    const { headers } = await deadLetterOf(reference);
    expect(headers).toMatchObject({ 'dlq-reason': 'rejected', 'dlq-consumer-group': 'intake' });
    expect(headers['dlq-detail']).toContain(detail);
  });

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
    [
      'an import without a time',
      () =>
        inbound(
          { type: 'SubmitSlip', data: { ...submitSlip, reference: 'x', route: 'import' } },
          { clock: 'import-0' },
        ),
    ],
  ])('%s: a dead letter', async (name, value) => {
    await sendRaw(`raw ${name}`, value());
    expect((await deadLetterOf(`raw ${name}`)).headers['dlq-reason']).toBe('rejected');
  });

  test('does not hold up the others of its batch', async () => {
    await submit(['before'], ['poison', { account: '' }], ['after']);
    await Promise.all([intake.eventsOf('before'), intake.eventsOf('after'), deadLetterOf('poison')]);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
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

  test('binds a reference: another clock is refused, once, however often it is repeated', async () => {
    const route = { route: 'import' };
    await submit(['bound', route, { clock: 'import-a', time: at }]);
    const [first] = await intake.eventsOf('bound');
    const again: [string, Partial<SubmitSlip>, Given] = ['bound', route, { clock: 'import-b', time: at }];
    await submit(again, again);
    await intake.eventsOf('bound', 2);
    await submit(
      again,
      ['bound', route, { clock: 'import-a', time: at }],
      ['bound', route, { clock: 'wall' }],
    );
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
    for (const { slipId, event } of events!.filter((one) => one.slipId !== first!.slipId)) {
      expect(event.data).toMatchObject({ rule: 'reference_on_other_clock' });
      expect(slipId).not.toBe(first!.slipId);
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
      ...references.map((reference): [string, Partial<SubmitSlip>, Given] => [
        reference,
        { route: 'import' },
        on,
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
    await submit(['too-late', { route: 'import' }, on], [references[0]!, { route: 'import' }, on]);
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
