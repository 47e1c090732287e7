import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  createRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import type { Instant } from '@slipstream/kernel';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { checkpointType, decodeCheckpoint } from './checkpoint.ts';
import { decodeSlipEvent, encodeCloudEvent } from './codec.ts';
import { readEnvelope } from './envelope.ts';
import { ownedTypes, schemas } from './event-types.ts';
import { TickSchema } from './generated/slipstream/common/v1/common_pb.ts';
import { CheckpointSignedSchema } from './generated/slipstream/ledger/v1/checkpoints_pb.ts';
import { commandMessages, decodeInbound } from './inbound.ts';
import { encodeMessage } from './message-codec.ts';
import { opsEventOf } from './ops-codec.ts';
import { opsSchemas } from './ops-event-types.ts';
import { stampEnvelope } from './stamp.ts';
import { asyncApi } from './test-support/asyncapi.ts';
import { protoComments } from './test-support/proto-comments.ts';
import { decodeTick } from './tick.ts';
import { allTopics } from './topics.ts';

const root = join(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const page = read('docs/reference/asyncapi.yaml');

interface Message {
  readonly 'x-protobuf-message'?: string;
  readonly examples?: readonly { readonly headers?: Record<string, string>; readonly payload: JsonObject }[];
}

/** The payload of an example of a CloudEvent. */
interface Example {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: Instant;
  readonly clock: string;
  readonly sequence?: string;
  readonly data: JsonObject;
}

const document = parse(page) as {
  readonly channels: Record<string, { readonly messages: Record<string, { readonly $ref: string }> }>;
  readonly components: {
    readonly messages: Record<string, Message>;
    readonly schemas: Record<string, unknown>;
  };
};

test('docs/reference/asyncapi.yaml is what `npm run asyncapi` writes', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(page).toBe(asyncApi(version, protoComments()));
});

test('it is AsyncAPI 3.0, by the schema of its own makers', () => {
  const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  // Their schema says `format: uri-reference` and the like, and is written for a lenient validator.
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  validate(document);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ ...document, channels: [] })).toBe(false);
});

test('it has every topic, and every type that has its owner', () => {
  expect(Object.keys(document.channels)).toEqual(allTopics.map(({ name }) => name));
  const planned = ['hold_released', 'customer_notified', 'notification_failed'];
  const missing = ownedTypes.filter((type) => !(type in document.components.messages));
  expect(missing.filter((type) => !planned.some((name) => type.includes(name)))).toEqual([]);
});

test('every reference leads somewhere', () => {
  const references = [...page.matchAll(/\$ref: ["']?#\/components\/(messages|schemas)\/([^"'\s]+)/g)];
  expect(references.length).toBeGreaterThan(100);
  const { messages, schemas } = document.components;
  const lost = references.filter(([, kind, name]) => !(name! in (kind === 'messages' ? messages : schemas)));
  expect(lost.map(([reference]) => reference)).toEqual([]);
});

describe('an example of each message', () => {
  const registry = createRegistry(
    ...[...Object.values(schemas), ...Object.values(opsSchemas), CheckpointSignedSchema, TickSchema],
    ...Object.values(commandMessages).map(({ schema }) => schema),
  );
  const ajv = new Ajv({ strict: false, validateFormats: false }).addSchema(document, 'asyncapi');
  const messages = Object.entries(document.components.messages).filter(
    ([, { 'x-protobuf-message': of }]) => of !== undefined,
  );

  test.each(messages)('%s fits its schema, and decodes as a record that says the same', (name, message) => {
    const { payload, headers = {} } = message.examples![0]!;
    const validate = ajv.getSchema(`asyncapi#/components/messages/${name}/payload`)!;
    validate(payload);
    expect(validate.errors ?? []).toEqual([]);
    const schema = registry.getMessage(message['x-protobuf-message']!)!;
    const data = decoded(schema, payload, headers);
    const said = toJson(schema, fromBinary(schema, encodeMessage(schema, data)));
    expect(said).toEqual(schema === TickSchema ? payload : payload.data);
  });
});

/** What our own readers make of the example as a record. */
function decoded(schema: DescMessage, payload: JsonObject, headers: Record<string, string>): object {
  if (schema === TickSchema) return decodeTick(Buffer.from(toBinary(schema, fromJson(schema, payload))));
  const { data, sequence, time, ...head } = payload as unknown as Example;
  const bytes = toBinary(schema, fromJson(schema, data));
  if (sequence !== undefined) {
    const record = stampEnvelope(encodeCloudEvent(head, bytes), { sequence, time, receivedTime: time });
    return (opsEventOf(readEnvelope(record)) ?? decodeSlipEvent(record)).event.data;
  }
  const value = Buffer.from(encodeCloudEvent({ ...head, time }, bytes));
  return head.type === checkpointType
    ? decodeCheckpoint(value)!
    : decodeInbound({ value, headers }).command.data;
}

test('what a field means is told where proto/ tells it', () => {
  const submitted = document.components.schemas['slipstream.slip.v1.SlipSubmitted'];
  expect(submitted).toMatchObject({
    properties: { reference: { type: 'string', description: 'Unique per caller.' } },
  });
});
