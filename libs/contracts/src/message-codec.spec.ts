import { type DescField, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { DescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { isSlipstreamError } from '@slipstream/kernel';
import fc from 'fast-check';
import { mappingOf } from './domain-mapping.ts';
import { schemas } from './event-types.ts';
import {
  AdvanceClockSchema,
  SealableSchema,
  TickSchema,
} from './generated/slipstream/common/v1/common_pb.ts';
import { ReportResultSchema } from './generated/slipstream/gateway/v1/results_pb.ts';
import { SubmitSlipSchema } from './generated/slipstream/slip/v1/commands_pb.ts';
import { SlipPolicySchema } from './generated/slipstream/slip/v1/events_pb.ts';
import { isMandatory } from './mandatory-fields.ts';
import { decodeMessage, encodeMessage, readDirectly, writeDirectly } from './message-codec.ts';
import { opsSchemas } from './ops-event-types.ts';
import { dataOf } from './test-support/random-data.ts';
import { sampleEvents } from './test-support/samples.ts';

/** Everything that we write or read. */
const all: readonly DescMessage[] = [
  ...Object.values(schemas),
  ...Object.values(opsSchemas),
  ...[SubmitSlipSchema, ReportResultSchema, AdvanceClockSchema, TickSchema],
];

const message = fc
  .constantFrom(...all)
  .chain((schema) => fc.record({ schema: fc.constant(schema), data: dataOf(schema) }));

const generalBytes = (schema: DescMessage, data: object): Buffer =>
  Buffer.from(toBinary(schema, mappingOf(schema).toMessage(data)));

/** What protobuf-es and the mapping make of bytes: data, or the code of the refusal. */
function generally(schema: DescMessage, bytes: Uint8Array): unknown {
  let parsed: Message;
  try {
    parsed = fromBinary(schema, bytes);
  } catch {
    return 'undecodable_record';
  }
  return outcome(() => mappingOf(schema).toDomain(parsed));
}

function outcome(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    return isSlipstreamError(error) ? error.code : error;
  }
}

describe('a message', () => {
  it('has the bytes that protobuf-es writes, whatever it says', () => {
    fc.assert(
      fc.property(message, ({ schema, data }) => {
        const bytes = generalBytes(schema, data);
        expect(Buffer.from(encodeMessage(schema, data)).equals(bytes)).toBe(true);
        expect(writeDirectly(schema, data)?.equals(bytes) ?? true).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('says what protobuf-es reads', () => {
    fc.assert(
      fc.property(message, ({ schema, data }) => {
        const bytes = generalBytes(schema, data);
        expect(decodeMessage(schema, bytes, 'it')).toEqual(generally(schema, bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it('needs no protobuf-es when one of our services says what they all say', () => {
    for (const { type, data } of sampleEvents()) {
      const bytes = writeDirectly(schemas[type], data);
      expect(bytes).not.toBeNull();
      expect(readDirectly(schemas[type], bytes!)).not.toBeNull();
    }
  });
});

describe('bytes of anybody', () => {
  /** Bytes put in the place of others: damage, a cut, a field of one message in another, a field twice. */
  const damage = fc.array(fc.record({ at: fc.nat({ max: 400 }), gone: fc.nat({ max: 4 }), come: pieces() }), {
    minLength: 1,
    maxLength: 3,
  });

  function pieces(): fc.Arbitrary<Uint8Array> {
    const hostile = [
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0x8a, 0x00],
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
      [0x0b, 0x0c],
      [0x78, 0x01],
      [0xfa, 0x01, 0x01, 0x00],
      [0x12, 0x01, 0xff],
      [0x00],
      [0x08, 0x63],
    ];
    return fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(...hostile.map((bytes) => Uint8Array.from(bytes))),
      message.map(({ schema, data }) => generalBytes(schema, data).subarray(0, 60)),
    );
  }

  it('mean what they mean to protobuf-es, and are refused as they are there', () => {
    const seen = { directly: 0, refused: 0, generally: 0 };
    fc.assert(
      fc.property(message, damage, fc.boolean(), ({ schema, data }, changes, cut) => {
        let bytes = generalBytes(schema, data);
        for (const { at, gone, come } of changes) {
          const from = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, from), come, bytes.subarray(from + gone)]);
        }
        if (cut) bytes = bytes.subarray(0, bytes.length >> 1);
        const expected = generally(schema, bytes);
        const direct = readDirectly(schema, bytes);
        if (direct !== null) expect(direct).toEqual(expected);
        expect(outcome(() => decodeMessage(schema, bytes, 'it'))).toEqual(expected);
        seen[direct !== null ? 'directly' : typeof expected === 'string' ? 'refused' : 'generally']++;
      }),
      { numRuns: 3_000 },
    );
    // Some ten of them mean something, and not to us alone: a run draws more or fewer.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
  });

  it.each<[string, DescMessage, string]>([
    ['a value that says it is missing', schemas.SlipReturned, '1000 2801'],
    ['a value of a later release', schemas.SlipReturned, '1063 2801'],
    ['a message in two parts', schemas.SlipReturned, '1001 22020805 22051203455552 2801'],
    ['a text twice', schemas.SlipReturned, '0a0161 0a0162 1001 2801'],
    ['another order', schemas.SlipReturned, '2801 1001'],
    ['a field of a later release', schemas.SlipReturned, '1001 2801 7801'],
    ['a number where a text should be', schemas.SlipReturned, '0801 1001 2801'],
    ['a text where a number should be', schemas.SlipReturned, '120101 2801'],
    ['a tag with a byte too many', schemas.SlipReturned, '900001 2801'],
    ['a tag with many bytes too many', schemas.SlipReturned, '90808080800001 2801'],
    ['a length beyond 32 bits', schemas.SlipReturned, '0a818080801061 1001 2801'],
    ['a number of ten bytes', schemas.DispatchIntended, '08ffffffffffffffffff01'],
    ['a number of eleven bytes', schemas.DispatchIntended, '08ffffffffffffffffffff01'],
    ['a number beyond 32 bits', schemas.DispatchIntended, '08ffffffff7f'],
    ['nanoseconds beyond a second', schemas.DispatchIntended, '22061080d8b6e707'],
    ['nanoseconds below zero', schemas.DispatchIntended, '220d080110ffffffffffffffffff01'],
    ['a time beyond the year 9999', schemas.DispatchIntended, '220808ffffffffffff3f'],
    ['a time of two parts', schemas.DispatchIntended, '22020801 22021010'],
    ['both members of a oneof', SealableSchema, '0a00 1200'],
    ['both, the other way round', SealableSchema, '1200 0a00'],
    ['a member twice, in parts', SealableSchema, '0a030a0161 0a00'],
    ['a member of a later release', SealableSchema, '1a00'],
    ['numbers that are not packed', SlipPolicySchema, '1801 1802'],
    ['numbers packed in two parts', SlipPolicySchema, '1a020102 1a0103'],
    ['an entry without a value', SubmitSlipSchema, '1001 42030a0161'],
    ['an entry without a key', SubmitSlipSchema, '1001 4203120161'],
    ['an entry with its value first', SubmitSlipSchema, '1001 42061201620a0161'],
    ['an entry with more', SubmitSlipSchema, '1001 42080a01611201621801'],
    ['a key twice', SubmitSlipSchema, '1001 42060a0161120162 42060a0161120163'],
    ['a key that is a prototype', SubmitSlipSchema, '1001 420e0a095f5f70726f746f5f5f120161'],
    ['half a character', schemas.SlipRejected, '0a02c328'],
    ['a surrogate', schemas.SlipRejected, '0a03eda080'],
    ['a mark of byte order', schemas.SlipRejected, '0a04efbbbf61'],
    ['the end of a group', schemas.SlipRejected, '0c'],
    ['a group', schemas.SlipRejected, '7b7c'],
    ['a text that is cut', schemas.SlipRejected, '0a0261'],
    ['a message that ends within a field', schemas.SlipReturned, '1001 220308ff01 2801'],
    ['no tag at all', schemas.SlipRejected, '00'],
    ['nothing', schemas.SlipReturned, ''],
  ])('mean to us what they mean to protobuf-es: %s', (_, schema, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(outcome(() => decodeMessage(schema, bytes, 'it'))).toEqual(generally(schema, bytes));
  });

  it.each(['22061080d8b6e707', '220d080110ffffffffffffffffff01'])(
    'are refused where a time has nanoseconds that are none: %s',
    (hex) => {
      const read = () => decodeMessage(schemas.DispatchIntended, Buffer.from(hex, 'hex'), 'it');
      expect(read).toThrow(/nanoseconds/);
    },
  );

  it('are refused where messages lie in messages without end', () => {
    const nested = (depth: number) => {
      let bytes = Buffer.alloc(0);
      for (let i = 0; i < depth; i++) {
        const length = [(bytes.length & 127) | 128, bytes.length >> 7];
        bytes = Buffer.concat([Buffer.from([0x1a, ...length]), bytes]);
      }
      return bytes;
    };
    const decode = (depth: number) =>
      outcome(() => decodeMessage(DescriptorProtoSchema, nested(depth), 'it'));
    expect(decode(90)).toEqual(generally(DescriptorProtoSchema, nested(90)));
    expect(decode(110)).toBe('undecodable_record');
    expect(readDirectly(DescriptorProtoSchema, nested(90))).toBeNull();
  });

  it('are told apart as broken or as of a later release', () => {
    const schema = schemas.SlipReturned;
    const late = Buffer.from([0x10, 0x63, 0x28, 0x01]);
    expect(outcome(() => decodeMessage(schema, late, 'it'))).toBe('too_new');
    expect(outcome(() => decodeMessage(schema, late.subarray(0, 3), 'it'))).toBe('undecodable_record');
    expect(() => decodeMessage(schema, late.subarray(0, 3), 'the data of x')).toThrow(
      'the data of x is no slipstream.gateway.v1.SlipReturned',
    );
  });
});

describe('a message that lies in another', () => {
  /** With those that lie in them. */
  const reached = new Map<string, DescMessage>();
  const reach = (schema: DescMessage): void => {
    if (reached.has(schema.typeName) || schema.typeName.startsWith('google.')) return;
    reached.set(schema.typeName, schema);
    for (const { message } of schema.fields) if (message) reach(message);
  };
  all.forEach(reach);
  const inner = [...reached.values()].flatMap(({ fields }) =>
    fields.filter(({ fieldKind }) => fieldKind === 'message'),
  );

  it('is mandatory, or one that the domain knows to be null', () => {
    expect(
      inner.filter((field) => !isMandatory(field)).map(({ parent, name }) => `${parent.name}.${name}`),
    ).toEqual([
      'SlipSubmitted.amount',
      'SlipSubmitted.details',
      'SlipSubmitted.request',
      'SlipPolicy.stages',
      'StagePolicy.submitted',
      'StagePolicy.held',
      'StagePolicy.dispatching',
      'StagePolicy.review',
      'StagePolicy.returned',
      'Sealable.clear',
      'Sealable.sealed',
      'SlipDrafted.amount',
      'SlipDrafted.remind_at',
      'SlipDrafted.details',
      'SlipDrafted.deadline',
      'SlipDrafted.request',
      'SlipAcknowledged.provider_time',
      'SlipProgressed.provider_time',
      'SlipReturned.amount',
      'SlipReturned.provider_time',
      'SlipReturned.fee',
      'SlipReturned.callbacks_refused',
      'AnswerDoubted.provider_time',
      'InquiryAnswered.callbacks_refused',
      'FundsHeld.transaction',
      'SlipSettled.transaction',
      'SlipSettled.fee',
      'SlipRefunded.transaction',
      'SlipRefunded.fee',
      'PostingCompensated.transaction',
      'PostingCompensated.fee',
      'StatementLineMatched.amount',
      'StatementLineMatched.fee',
      'OperatorActed.request',
      'IncidentOpened.blind_since',
      'SubmitSlip.amount',
      'SubmitSlip.deadline',
      'ReportResult.amount',
      'ReportResult.provider_time',
      'ReportResult.fee',
      'Tick.reading',
      'Tick.awaits',
    ]);
  });

  it.each(
    inner
      .filter(isMandatory)
      .map((field): [string, DescField] => [`${field.parent.name} without ${field.name}`, field]),
  )('is asked for by its name: %s', (_, field) => {
    const [data] = fc.sample(dataOf(field.parent), { numRuns: 1, seed: 1 });
    const bytes = generalBytes(field.parent, { ...data, [field.localName]: null });
    expect(readDirectly(field.parent, bytes)).toBeNull();
    expect(() => decodeMessage(field.parent, bytes, 'the data of x')).toThrow(
      expect.objectContaining({
        code: 'undecodable_record',
        message: expect.stringMatching(new RegExp(`the data of x lacks ${field.localName}$`)),
      }),
    );
  });

  it('is asked for where it lies', () => {
    const data = { transaction: { id: 't', type: 'hold', postings: [{ account: 'a', direction: 'debit' }] } };
    expect(() =>
      decodeMessage(schemas.FundsHeld, generalBytes(schemas.FundsHeld, data), 'the data of x'),
    ).toThrow(/postings in transaction in the data of x lacks amount$/);
  });
});
