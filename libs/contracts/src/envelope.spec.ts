import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { type Instant, instantFromMicros, instantToMicros } from '@slipstream/kernel';
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
        const { source, type, subject } = head;
        expect(peekEnvelope(bytes)).toEqual({ source, type, subject, ...numbers });
      },
    ),
  );
});

const timestampOf = (time: Instant) => {
  const micros = instantToMicros(time);
  const within = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return { seconds: (micros - within) / 1_000_000n, nanos: Number(within) * 1000 };
};
const textOf = (value: string) => ({ attr: { case: 'ceString' as const, value } });
const timeOf = (time: Instant) => ({ attr: { case: 'ceTimestamp' as const, value: timestampOf(time) } });
const generated = (init: MessageInitShape<typeof CloudEventSchema>) =>
  Buffer.from(toBinary(CloudEventSchema, create(CloudEventSchema, init)));

test('property: an event has the bytes that the generated encoder writes', () => {
  const any = fc.string({ maxLength: 200, unit: 'binary' });
  const head = fc.record({ id: any, source: any, type: any, subject: any, clock: any, traceparent: trace });
  fc.assert(
    fc.property(head, fc.option(instant, { nil: undefined }), data, (head, time, body) => {
      const { id, source, type, subject, clock, traceparent } = head;
      const attributes = {
        ...{ subject: textOf(subject), clock: textOf(clock) },
        ...(traceparent && { traceparent: textOf(traceparent) }),
        ...(time && { time: timeOf(time) }),
      };
      const binary = { case: 'binaryData' as const, value: body };
      const expected = generated({ id, source, type, specVersion: '1.0', attributes, data: binary });
      expect(Buffer.from(encodeCloudEvent({ ...head, time }, body)).equals(expected)).toBe(true);
    }),
  );
});

test('property: a stamp is more attributes, as the generated encoder writes them', () => {
  const numbers = fc.record({ sequence: fc.nat(), incarnation: fc.integer({ min: 1 }) });
  fc.assert(
    fc.property(data, numbers, instant, instant, (body, { sequence, incarnation }, time, receivedTime) => {
      const attributes = {
        sequence: textOf(String(sequence)),
        incarnation: textOf(String(incarnation)),
        time: timeOf(time),
        receivedtime: timeOf(receivedTime),
      };
      const stamp = { sequence: String(sequence), incarnation: String(incarnation), time, receivedTime };
      const expected = Buffer.concat([body, generated({ attributes })]);
      expect(stampEnvelope(body, stamp).equals(expected)).toBe(true);
    }),
  );
});

test('an event that no buffer holds is too large, as any other', () => {
  const head = { id: 'i', source: 's', type: 't', subject: 's', clock: 'wall' };
  const large = expect.objectContaining({ code: 'payload_too_large' });
  expect(() => encodeCloudEvent(head, new Uint8Array(1_000_000))).toThrow(large);
  expect(() => encodeCloudEvent({ ...head, id: 'x'.repeat(1_000_000) }, new Uint8Array(1))).toThrow(large);
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
