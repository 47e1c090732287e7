import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { instantFromMicros } from '@slipstream/kernel';
import fc from 'fast-check';
import { encodeCloudEvent } from './codec.ts';
import { peekEnvelope, readEnvelope } from './envelope.ts';
import { CloudEventSchema } from './generated/io/cloudevents/v1/cloudevents_pb.ts';
import { stampEnvelope } from './stamp.ts';

const name = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' });
const instant = fc
  .bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
  .map(instantFromMicros);
const data = fc.uint8Array({ maxLength: 300 });

const trace = fc.constantFrom('', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');

test('property: what is written and stamped is read back, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.record({ id: name, source: name, type: name, subject: name, clock: name, traceparent: trace }),
      fc.record({
        sequence: fc.nat().map(String),
        incarnation: fc.maxSafeNat().map(String),
        time: instant,
        receivedTime: instant,
      }),
      data,
      (head, stamp, body) => {
        const bytes = stampEnvelope(encodeCloudEvent(head, body), stamp);
        const { data: read, ...envelope } = readEnvelope(bytes);
        const numbers = { sequence: Number(stamp.sequence), incarnation: Number(stamp.incarnation) };
        expect(envelope).toEqual({ ...head, ...stamp, ...numbers });
        expect(Buffer.from(read).equals(Buffer.from(body))).toBe(true);
        expect(peekEnvelope(bytes)).toEqual({ source: head.source, type: head.type, ...numbers });
      },
    ),
  );
});

test('property: any bytes are either an event or undecodable, never another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        readEnvelope(Buffer.from(bytes));
      } catch (error) {
        expect(error).toMatchObject({ code: 'undecodable_record' });
      }
    }),
  );
});

test('attributes and data of other kinds are passed over', () => {
  const attributes = { partitionkey: { attr: { case: 'ceInteger' as const, value: 7 } } };
  const event = { id: 'i', source: 's', specVersion: '1.0', type: 't', attributes };
  const text = { case: 'textData' as const, value: 'x' };
  const bytes = Buffer.from(toBinary(CloudEventSchema, create(CloudEventSchema, { ...event, data: text })));
  expect(readEnvelope(bytes)).toMatchObject({ id: 'i', source: 's', type: 't', sequence: -1 });
});
