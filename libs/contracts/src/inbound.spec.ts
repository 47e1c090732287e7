import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { cloudEventContentType } from './codec.ts';
import { CloudEventSchema } from './generated/io/cloudevents/v1/cloudevents_pb.ts';
import { type InboundRecord, publisherOf, readInbound } from './inbound.ts';

const names = { id: 'cmd-1', source: '/shop', type: 'slipstream.command.submit_slip.v1' };
const structured = (specVersion: string, contentType = cloudEventContentType): InboundRecord => ({
  value: Buffer.from(toBinary(CloudEventSchema, create(CloudEventSchema, { ...names, specVersion }))),
  headers: { 'content-type': contentType },
});
const binary = (more: InboundRecord['headers'] = {}): InboundRecord => ({
  value: Buffer.alloc(0),
  headers: {
    ...{
      'content-type': 'application/protobuf',
      ce_id: names.id,
      ce_source: names.source,
      ce_type: names.type,
    },
    ...more,
  },
});

describe('a record of an inbound topic', () => {
  test.each<[string, InboundRecord]>([
    ['in structured mode', structured('1.0')],
    ['in structured mode, without a version', structured('')],
    [
      'in structured mode, its type in other letters',
      structured('1.0', 'Application/CloudEvents+Protobuf; v=1'),
    ],
    ['in binary mode', binary({ ce_specversion: Buffer.from('1.0') })],
    ['in binary mode, without a version', binary()],
    ['in binary mode, without a type', binary({ 'content-type': undefined })],
  ])('%s is read', (_, record) => {
    expect(readInbound(record)).toMatchObject(names);
  });

  test.each<[string, InboundRecord, string]>([
    [
      'of another version, in structured mode',
      structured('0.3'),
      'specversion is "0.3", and only 1.0 is known',
    ],
    ['of another version, in binary mode', binary({ ce_specversion: '1.1' }), 'specversion is "1.1"'],
    [
      'of a version without end',
      binary({ ce_specversion: 'x'.repeat(999) }),
      `specversion is "${'x'.repeat(32)}"`,
    ],
    ['of two versions', binary({ ce_specversion: ['1.0', '1.0'] }), 'ce_specversion is given twice'],
    [
      'in JSON',
      structured('1.0', 'application/cloudevents+json'),
      'the record is application/cloudevents+json',
    ],
    [
      'of a batch',
      structured('1.0', 'application/cloudevents-batch+protobuf'),
      'send application/cloudevents+',
    ],
    ['without its id', binary({ ce_id: undefined }), 'ce_id, ce_source or ce_type is missing'],
  ])('%s is refused, and why is said', (_, record, why) => {
    const refusal = expect.objectContaining({
      code: 'undecodable_record',
      message: expect.stringContaining(why),
    });
    expect(() => readInbound(record)).toThrow(refusal);
  });

  test('says who published it also where its version is another one', () => {
    const { id, source } = names;
    expect(publisherOf(structured('0.3'))).toMatchObject({ id, source });
    expect(publisherOf(binary({ ce_specversion: '0.3' }))).toMatchObject({ id, source });
  });
});
