import type { DescMessage } from '@bufbuild/protobuf';
import { stringify } from 'yaml';
import { checkpointKey, checkpointType } from '../checkpoint.ts';
import { cloudEventContentType } from '../codec.ts';
import { cloudEventType, schemas, sourceOf } from '../event-types.ts';
import { TickSchema } from '../generated/slipstream/common/v1/common_pb.ts';
import { CheckpointSignedSchema } from '../generated/slipstream/ledger/v1/checkpoints_pb.ts';
import { commandMessages } from '../inbound.ts';
import { opsCloudEventType, opsSchemas, opsSourceOf } from '../ops-event-types.ts';
import { sources } from '../sources.ts';
import { allTopics, deadLetterTopic, type Topic, topics } from '../topics.ts';
import { type ExampleHead, exampleData, exampleEvent } from './examples.ts';
import { JsonSchemas } from './json-schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** A message as a channel refers to it: by the CloudEvents type, or a name of its own. */
interface Entry {
  readonly name: string;
  readonly message: Json;
}

/** AsyncAPI 3 of every topic, as YAML. Slipstream is the application that it speaks of: it sends events, it receives commands. */
export function asyncApi(version: string, comments: ReadonlyMap<string, string>): string {
  const json = new JsonSchemas(comments);
  const event = (head: ExampleHead, schema: DescMessage): Entry => ({
    name: head.type,
    message: cloudEvent(head, schema, json, comments),
  });
  const names = <T extends object>(of: T) => Object.keys(of) as (keyof T & string)[];
  const byTopic = new Map<string, readonly Entry[]>([
    [
      topics.events.name,
      names(schemas).map((name) =>
        event(
          { type: cloudEventType(name), source: sourceOf(name), subject: slipId, isStamped: true },
          schemas[name],
        ),
      ),
    ],
    [
      topics.ops.name,
      names(opsSchemas).map((name) =>
        event(
          { type: opsCloudEventType(name), source: opsSourceOf(name), subject: 'acme', isStamped: true },
          opsSchemas[name],
        ),
      ),
    ],
    [topics.commands.name, [commandOf('SubmitSlip'), commandOf('AdvanceClock')]],
    [topics.results.name, [commandOf('ReportResult'), commandOf('AdvanceClock')]],
    [
      topics.checkpoints.name,
      [
        event(
          { type: checkpointType, source: sources.ledger, subject: checkpointKey, isStamped: false },
          CheckpointSignedSchema,
        ),
      ],
    ],
    [topics.watermarks.name, [tick(json, comments)]],
    ...[topics.events, topics.commands, topics.results].map(
      ({ name }) => [deadLetterTopic(name), [deadLetter(name)]] as const,
    ),
  ]);
  function commandOf(name: keyof typeof commandMessages): Entry {
    const { type, schema } = commandMessages[name];
    return event({ type, source: null, subject: 'ord-1001', isStamped: false }, schema);
  }

  const entries = [...byTopic.values()].flat();
  return stringify(
    {
      asyncapi: '3.0.0',
      info: {
        title: 'Slipstream',
        version,
        license: { name: 'Apache-2.0' },
        description: `Every topic, and every message on it. Records are CloudEvents 1.0 in the protobuf format, structured mode: the value is an io.cloudevents.v1.CloudEvent, its binary_data the message that x-protobuf-message names. Payloads are shown here as ProtoJSON has them. Written by \`npm run asyncapi\` from proto/ and libs/contracts.`,
      },
      defaultContentType: cloudEventContentType,
      channels: Object.fromEntries(
        allTopics.map((topic) => [topic.name, channel(topic, byTopic.get(topic.name)!)]),
      ),
      operations: Object.fromEntries(allTopics.map((topic) => [operationId(topic), operation(topic)])),
      components: {
        messages: Object.fromEntries(entries.map(({ name, message }) => [name, message])),
        schemas: {
          CloudEvent: cloudEventSchema,
          Headers: ownHeaders,
          InboundHeaders: inboundHeaders,
          ...json.all(),
        },
      },
    },
    // Many readers of YAML are of version 1.1, to which a bare time is no text.
    { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' },
  );
}

function channel({ name, key, owner, ...topic }: Topic, entries: readonly Entry[]): Json {
  return {
    address: name,
    description: `Key: ${key}. Written by ${owner}.`,
    messages: Object.fromEntries(
      entries.map((entry) => [entry.name, { $ref: `#/components/messages/${entry.name}` }]),
    ),
    bindings: {
      kafka: {
        topic: name,
        partitions: topic.partitions,
        topicConfiguration: {
          'cleanup.policy': [topic.cleanup],
          'retention.ms': topic.retentionMs,
          'max.message.bytes': topic.batchBytesMax,
        },
        bindingVersion: '0.5.0',
      },
    },
  };
}

const inbound: readonly Topic[] = [topics.commands, topics.results];

function operationId(topic: Topic): string {
  return `${inbound.includes(topic) ? 'receive' : 'send'}-${topic.name}`;
}

function operation(topic: Topic): Json {
  return {
    action: inbound.includes(topic) ? 'receive' : 'send',
    channel: { $ref: `#/channels/${topic.name}` },
  };
}

/** A slip's id, in examples. */
const slipId = '0199f1a0-7c1e-7b3a-8a52-3c1f0e9d4b11';

const contentType = { 'content-type': cloudEventContentType };

/** Of a record of ours; what comes in may lack the header, or have its attributes in headers. */
const ownHeaders = {
  type: 'object',
  required: ['content-type'],
  properties: { 'content-type': { const: cloudEventContentType } },
};
const inboundHeaders = {
  type: 'object',
  description:
    'Structured mode, as the SDK sends it; without any header it is taken for that. Binary mode is read, too: another content-type, the attributes in ce_ headers, x-protobuf-message as the value.',
  properties: {
    'content-type': text(`${cloudEventContentType}, or any other in binary mode`),
    ...Object.fromEntries(
      ['specversion', 'id', 'source', 'type', 'subject', 'time', 'clock', 'traceparent'].map((name) => [
        `ce_${name}`,
        { type: 'string' },
      ]),
    ),
  },
};

function cloudEvent(
  head: ExampleHead,
  schema: DescMessage,
  json: JsonSchemas,
  comments: ReadonlyMap<string, string>,
): Json {
  const { type, source } = head;
  return {
    ...described(schema, comments),
    title: schema.name,
    contentType: cloudEventContentType,
    'x-protobuf-message': schema.typeName,
    headers: { $ref: `#/components/schemas/${source === null ? 'InboundHeaders' : 'Headers'}` },
    examples: [{ headers: contentType, payload: exampleEvent(head, schema) }],
    payload: {
      allOf: [
        { $ref: '#/components/schemas/CloudEvent' },
        {
          properties: {
            ...(source !== null && { source: { const: source } }),
            type: { const: type },
            data: json.reference(schema),
          },
        },
      ],
    },
  };
}

function text(description: string) {
  return { type: 'string', description };
}

/** What an inbound command may leave out, its receiver knows otherwise. */
const cloudEventSchema = {
  type: 'object',
  required: ['id', 'source', 'type', 'data'],
  properties: {
    id: { type: 'string' },
    source: text('Who says it: one of our services, or the caller of a command'),
    type: { type: 'string' },
    subject: text('What it is about; also the key of the record'),
    time: { type: 'string', format: 'date-time' },
    receivedtime: { ...text('When the evidence became durable here'), format: 'date-time' },
    sequence: text('Gapless per source and partition'),
    incarnation: text('Which life of its sequencer the number is from'),
    clock: text('wall, or the clock of an import'),
    traceparent: text('W3C trace context'),
    data: { type: 'object' },
  },
};

function tick(json: JsonSchemas, comments: ReadonlyMap<string, string>): Entry {
  return {
    name: 'slipstream.tick.v1',
    message: {
      ...described(TickSchema, comments),
      title: 'Tick',
      contentType: 'application/protobuf',
      'x-protobuf-message': TickSchema.typeName,
      examples: [{ payload: exampleData(TickSchema) }],
      payload: json.reference(TickSchema),
    },
  };
}

const reasons = 'docs/reference/dead-letters.md says why';

function deadLetter(original: string): Entry {
  return {
    name: `dead-letter.${original}`,
    message: {
      title: 'A dead letter',
      summary: `A record of ${original} as it came, set aside; ${reasons}`,
      headers: {
        type: 'object',
        description: "The original's own, and why and where it was set aside",
        required: ['dlq-reason', 'dlq-original-topic', 'dlq-original-partition', 'dlq-original-offset'],
        properties: Object.fromEntries(
          [
            ...['reason', 'error-class', 'detail', 'original-topic', 'original-partition', 'original-offset'],
            ...[
              'failed-at',
              'attempts',
              'consumer-group',
              'event-id',
              'event-source',
              'original-value',
              'truncated',
            ],
          ].map((name) => [`dlq-${name}`, { type: 'string' }]),
        ),
      },
      payload: { description: 'The bytes of the original', type: 'string', contentEncoding: 'binary' },
    },
  };
}

function described({ typeName }: DescMessage, comments: ReadonlyMap<string, string>): { summary?: string } {
  const summary = comments.get(typeName);
  return summary === undefined ? {} : { summary };
}
