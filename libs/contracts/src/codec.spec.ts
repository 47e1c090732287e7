import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import { decodeSlipEvent, encodeSlipEvent } from './codec.ts';
import { peekEnvelope, readEnvelope } from './envelope.ts';
import { CloudEventSchema } from './generated/io/cloudevents/v1/cloudevents_pb.ts';
import { stampEnvelope } from './stamp.ts';

const head = {
  id: '0197-id',
  source: '/slipstream/ledger',
  subject: 'slip-1',
  clock: 'wall',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const stamp = {
  sequence: '42',
  time: '2026-11-22T10:39:00.123456Z',
  receivedTime: '2026-11-22T10:38:59.000000Z',
};

const events: SlipEvent[] = [
  {
    type: 'SlipSubmitted',
    data: {
      caller: 'shop',
      reference: 'ord-1',
      kind: 'order',
      account: 'cust-1',
      counterparty: 'shop-7',
      amount: { amount: 9007199254740993n, currency: 'EUR' },
      route: 'default',
      mode: 'dispatched',
      provider: 'acme',
      overdraft: false,
      overdraftLimit: null,
      reviewRequired: false,
      deadline: '2026-11-22T10:40:00.000001Z',
      policy: {
        ...{ graceMs: 0, quietPeriodMs: 2000, inquiryLadderMs: [0, 2000] },
        stages: {
          submitted: { warnMs: 0, actMs: 1000 },
          held: null,
          dispatching: { warnMs: 500, actMs: 9000 },
          review: { warnMs: 7, actMs: 0 },
          returned: null,
        },
      },
      commandId: null,
      request: { operation: 'submit', key: 'k-1', digest: '0a' },
      configDigest: 'ab',
      details: { clear: { text: '', metadata: { colour: 'blue', __proto: 'x' } }, sealed: null },
    },
  },
  {
    type: 'SlipReturned',
    data: {
      provider: null,
      outcome: 'failed',
      reason: 'AC04',
      amount: null,
      evidence: 'signed_callback',
      providerReference: null,
      providerTime: '1969-12-31T23:59:59.999999Z',
      fee: { amount: 30n, currency: 'EUR' },
      callbacksRefused: null,
      bookedOn: null,
      occurrence: null,
    },
  },
  {
    type: 'FundsHeld',
    data: {
      transaction: {
        id: 't1',
        type: 'hold',
        postings: [
          { account: 'a', direction: 'debit', amount: { amount: 1n, currency: 'JPY' } },
          { account: 'b', direction: 'credit', amount: { amount: 1n, currency: 'JPY' } },
        ],
      },
    },
  },
  { type: 'FundsHeld', data: { transaction: null } },
  { type: 'SlipNotReturned', data: { basis: 'no_answer', deadline: '2018-01-01T00:00:00.000000Z' } },
];

describe('the event codec', () => {
  test.each(events)('gives back $type as it was written', (event) => {
    const bytes = stampEnvelope(encodeSlipEvent(head, event), stamp);
    expect(decodeSlipEvent(bytes)).toEqual({
      id: head.id,
      slipId: 'slip-1',
      source: head.source,
      sequence: 42n,
      time: stamp.time,
      receivedTime: stamp.receivedTime,
      clock: 'wall',
      event,
    });
  });

  test('writes what the official CloudEvents schema reads', () => {
    const bytes = stampEnvelope(encodeSlipEvent(head, events[1]!), { ...stamp, incarnation: '1803921' });
    const official = fromBinary(CloudEventSchema, bytes);
    expect(official.attributes.sequence?.attr).toEqual({ case: 'ceString', value: '42' });
    expect(official.attributes.incarnation?.attr).toEqual({ case: 'ceString', value: '1803921' });
    expect(official.attributes.time?.attr.value).toMatchObject({ seconds: 1795343940n, nanos: 123456000 });
    expect(official.attributes.receivedtime?.attr.value).toMatchObject({ seconds: 1795343939n, nanos: 0 });
    expect(official.type).toBe('slipstream.slip.returned.v1');
    expect(readEnvelope(bytes)).toMatchObject({
      sequence: 42,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      clock: 'wall',
    });
    expect(peekEnvelope(bytes)).toEqual({
      source: head.source,
      type: 'slipstream.slip.returned.v1',
      subject: head.subject,
      sequence: 42,
      incarnation: 1_803_921,
    });
  });

  test('a number older than incarnations carries none, as the release before wrote it', () => {
    const body = encodeSlipEvent(head, events[0]!);
    expect(stampEnvelope(body, { ...stamp, incarnation: '0' })).toEqual(stampEnvelope(body, stamp));
  });

  test.each([
    'x',
    '00-a-b-01',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${'a'.repeat(60_000)}-b7ad6b7169203331-01`,
  ])('leaves out what is no trace context: %#', (traceparent) => {
    const bytes = encodeSlipEvent({ ...head, traceparent }, events[0]!);
    expect(readEnvelope(stampEnvelope(bytes, stamp)).traceparent).toBe('');
  });

  test('a resend has the same bytes', () => {
    const body = encodeSlipEvent(head, events[0]!);
    expect(stampEnvelope(body, stamp).equals(stampEnvelope(body, stamp))).toBe(true);
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('{"id":1}')],
    ['cut', stampEnvelope(encodeSlipEvent(head, events[0]!), stamp).subarray(0, 90)],
    ['a length beyond the end', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x7f])],
  ])('refuses %s as undecodable', (_name, bytes) => {
    expect(() => decodeSlipEvent(bytes)).toThrow(expect.objectContaining({ code: 'undecodable_record' }));
  });
});
