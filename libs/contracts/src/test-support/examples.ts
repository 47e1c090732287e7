import { type DescMessage, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import { encodeMessage } from '../message-codec.ts';
import { sampleData } from './samples.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a reader would find in these fields; a sample's text is its field's name. */
const words: Readonly<Record<string, string>> = {
  account: 'cust-42',
  caller: '/example/order-service',
  clock: 'wall',
  counterparty: 'shop-7',
  currency: 'EUR',
  provider: 'acme',
  reference: 'ord-1001',
  route: 'default',
  source: '/slipstream/intake',
};

/** A message with every field set, in ProtoJSON. */
export function exampleData(schema: DescMessage): JsonValue {
  const bytes = encodeMessage(schema, sampleData(schema));
  return inWords(toJson(schema, fromBinary(schema, bytes)));
}

function inWords(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(inWords);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      typeof inner === 'string' && words[name] !== undefined ? words[name] : inWords(inner),
    ]),
  );
}

const time = '2026-11-22T10:00:00.000001Z';
const id = '0199f1a0-7c1e-7b3a-8a52-3c1f0e9d4b12';

export interface ExampleHead {
  readonly type: string;
  /** The one that may say it; null: whoever calls. */
  readonly source: string | null;
  readonly subject: string;
  /** It has a place in the log: the relay stamps it. */
  readonly isStamped: boolean;
}

/** The CloudEvent around it. */
export function exampleEvent({ isStamped, ...head }: ExampleHead, schema: DescMessage): Json {
  return {
    ...{ id, ...head, source: head.source ?? words.caller, time },
    ...(isStamped && { receivedtime: time, sequence: '1' }),
    clock: words.clock,
    data: exampleData(schema),
  };
}
