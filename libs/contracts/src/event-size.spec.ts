import { create, type DescField, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { foreignTextLengthMax } from '@slipstream/kernel';
import { encodeCloudEvent, eventBytesMax } from './codec.ts';
import { schemas } from './event-types.ts';
import { opsSchemas } from './ops-event-types.ts';
import { stampBytesMax } from './stamp.ts';

/** Any text that comes in has at most this many UTF-16 units, and none takes more than three bytes. */
const longest = '€'.repeat(foreignTextLengthMax);
/** Steps of a ladder, events that show a cause. */
const listMax = 20;
/** A debit and two credits: the ledger books nothing else. */
const postingsMax = 3;
/** Slips that an event names. */
const idLists = new Set(['slips', 'first_at_risk']);
const ids = Array<string>(100).fill('0196d0a1-7b7e-7abc-8def-0123456789ab');
/** Metadata as intake takes it: 16 keys, 4 KiB together. */
const metadata = Object.fromEntries(
  Array.from({ length: 16 }, (_, index) => [`key-${index}`.padEnd(64, 'k'), 'v'.repeat(192)]),
);

/** A message with every field at its largest. */
function largest(schema: DescMessage): Message {
  const init: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = fieldValue(field);
    if (field.oneof) init[field.oneof.localName] = { case: field.localName, value };
    else init[field.localName] = value;
  }
  return create(schema, init as never) as Message;
}

function fieldValue(field: DescField): unknown {
  switch (field.fieldKind) {
    case 'scalar':
      return scalar(field.scalar);
    case 'enum':
      return 1;
    case 'message':
      return largest(field.message);
    case 'map':
      return metadata;
    case 'list': {
      if (idLists.has(field.name)) return ids;
      const item =
        field.listKind === 'message'
          ? largest(field.message)
          : field.listKind === 'enum'
            ? 1
            : scalar(field.scalar);
      const isPosting = field.listKind === 'message' && field.message.name === 'Posting';
      return Array(isPosting ? postingsMax : listMax).fill(item);
    }
  }
}

/** By the numbers of `google.protobuf.FieldDescriptorProto.Type`. */
function scalar(type: number): unknown {
  if (type === 9) return longest;
  if (type === 8) return true;
  if (type === 12) return new Uint8Array(foreignTextLengthMax);
  return [3, 4, 6, 16, 18].includes(type) ? 2n ** 62n : 2 ** 30;
}

describe('the largest event that any service can make of what it takes', () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const head = { id: longest, source: longest, subject: longest, clock: longest, traceparent };

  test.each(Object.entries({ ...schemas, ...opsSchemas }))('fits into a record: %s', (name, schema) => {
    const bytes = encodeCloudEvent(
      { ...head, type: `slipstream.slip.${name}.v1` },
      toBinary(schema, largest(schema)),
    );
    expect(bytes.length).toBeLessThanOrEqual(eventBytesMax - stampBytesMax);
  });

  test('has a trace context in as many bytes as the documentation says', () => {
    const plain = { ...head, type: 't', traceparent: undefined };
    const bytes = (one: Parameters<typeof encodeCloudEvent>[0]) =>
      encodeCloudEvent(one, new Uint8Array()).length;
    expect(bytes({ ...plain, traceparent }) - bytes(plain)).toBe(74);
  });

  test('is refused with its type and size when it does not', () => {
    const data = new Uint8Array(eventBytesMax);
    expect(() => encodeCloudEvent({ ...head, type: 't', subject: 's' }, data)).toThrow(
      /event t of s has \d+ bytes/,
    );
  });
});
