import { expect, test } from '@jest/globals';
import { encodeSlipEvent, sources, stampEnvelope, topics } from '@slipstream/contracts';
import type { Batch, EventWalk, Span, Subscription, UnitHandler } from '@slipstream/kafka';
import type { RelayProducer, Tx } from '@slipstream/postgres';
import { tracedSends, tracedSubscription } from './kafka-spans.ts';
import type { NewSpan, Tracing } from './tracing.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const at = '2026-11-22T10:39:00.000000Z';

function event(slipId: string, trace: string | undefined): Buffer {
  const head = {
    id: `e-${slipId}`,
    source: sources.ledger,
    subject: slipId,
    clock: 'wall',
    traceparent: trace,
  };
  const body = encodeSlipEvent(head, { type: 'HoldRefused', data: { reason: 'funds', detail: '' } });
  return stampEnvelope(body, { sequence: '1', time: at, receivedTime: at });
}

/** Writes down what is told. */
function listening() {
  const begun: NewSpan[] = [];
  const ended: string[] = [];
  const tracing: Tracing = {
    begin(span) {
      begun.push(span);
      const { 'messaging.message.id': id } = span.facts;
      return {
        traceparent: '',
        end: (_, error) => void ended.push(error === undefined ? `${id}` : `${id}: ${error}`),
      };
    },
    stop: async () => {},
  };
  return { tracing, begun, ended };
}

const record = (slipId: string, trace?: string) => ({
  ...{ topic: topics.events.name, partition: 3, key: slipId, value: event(slipId, trace) },
});

test('an event with a trace that is sent is a span, from before it is sent until it is acknowledged', async () => {
  const { tracing, begun, ended } = listening();
  const inner: RelayProducer = {
    async sendBatch() {
      expect([begun.length, ended.length]).toEqual([1, 0]);
      return new Map();
    },
  };
  const unreadable = { ...record('s-3', traceparent), value: Buffer.from('no event') };
  await tracedSends(tracing, inner).sendBatch([record('s-1', traceparent), record('s-2'), unreadable]);
  expect(ended).toEqual(['e-s-1']);
  expect(begun[0]).toEqual({
    ...{ name: 'send slipstream.slip.hold_refused.v1', kind: 'producer', traceparent },
    facts: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'slips.events.v1',
      'messaging.destination.partition.id': '3',
      'messaging.message.id': 'e-s-1',
      'cloudevents.event_type': 'slipstream.slip.hold_refused.v1',
      'cloudevents.event_subject': 's-1',
    },
  });
});

test('what could not be sent says why', async () => {
  const { tracing, ended } = listening();
  const inner: RelayProducer = { sendBatch: () => Promise.reject(new Error('no broker')) };
  await expect(tracedSends(tracing, inner).sendBatch([record('s-1', traceparent)])).rejects.toThrow(
    'no broker',
  );
  expect(ended).toEqual(['e-s-1: Error: no broker']);
});

const subscription: Omit<Subscription<Tx>, 'handle'> = {
  ...{ topic: topics.events.name, group: 'ledger', sequenced: true },
};

test('a record that is handled is a span of its group, with the error that it ended with', async () => {
  const { tracing, begun, ended } = listening();
  let fails = false;
  const traced = tracedSubscription(tracing, {
    ...subscription,
    async handle() {
      if (fails) throw new Error('away');
    },
  });
  const batch = {
    partition: 3,
    records: [{ ...record('s-1', traceparent), headers: {} }],
  } as unknown as Batch;
  await traced.handle({} as Tx, batch);
  fails = true;
  await expect(traced.handle({} as Tx, batch)).rejects.toThrow('away');
  expect(ended).toEqual(['e-s-1', 'e-s-1: Error: away']);
  expect(begun[0]).toMatchObject({ kind: 'consumer', facts: { 'messaging.consumer.group.name': 'ledger' } });
});

test('what a unit took ends with its commit; what was closed before is told of by whoever handles it then', async () => {
  const { tracing, ended } = listening();
  const units: UnitHandler<Tx> = {
    ...{ recordsMax: 5, unitsAtOnce: 2, patienceMs: 7 },
    ...{ open: async () => {}, close: () => {}, begin: () => {} },
    take: (_, walk) => (walk as unknown as { taken: boolean }).taken,
    unit: () => ({ write: async () => {} }),
  };
  const traced = tracedSubscription(tracing, { ...subscription, units, handle: async () => {} }).units!;
  expect([traced.recordsMax, traced.unitsAtOnce, traced.patienceMs]).toEqual([5, 2, 7]);
  const walk = (slipId: string, taken = true) => {
    const bytes = Buffer.concat([Buffer.from('before'), event(slipId, traceparent)]);
    return { bytes, valueAt: 6, valueLength: bytes.length - 6, taken } as unknown as EventWalk;
  };
  expect(traced.take(1, walk('s-1'))).toBe(true);
  expect(traced.take(1, walk('s-2', false))).toBe(false);
  expect(traced.take(2, walk('s-3'))).toBe(true);
  traced.close(2);
  const work = traced.unit([] as Span[]);
  expect(traced.take(1, walk('s-4'))).toBe(true);
  expect(ended).toEqual([]);
  work.committed!();
  expect(ended).toEqual(['e-s-1']);
});
