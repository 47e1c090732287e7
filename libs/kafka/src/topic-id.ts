import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';
import { withCluster } from './cluster.ts';

interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readUVarInt(): number;
  readUVarIntString(): string | null;
  readBytes(length: number): Buffer;
  readTaggedFields(): unknown;
}

interface Encoder {
  readonly buffer: Buffer;
  writeUVarInt(value: number): Encoder;
  writeUVarIntString(value: string): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeBuffer(value: Buffer): Encoder;
}

const load = createRequire(import.meta.url);
const DecoderClass = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder;
const EncoderClass = load('kafkajs/src/protocol/encoder') as new () => Encoder;

const metadataKey = 3;
const metadataVersion = 12;
const unknownTopic = 3;

/**
 * The id that Kafka gave the topic when it was made (KIP-516): one that was deleted and made anew has the same name and
 * another id. kafkajs asks for metadata in a version that lacks it, so the request (KIP-482 encoding) is made here.
 * Null when there is no such topic, or the broker is older than Kafka 3.1 and says no ids that this request asks for.
 */
export async function readTopicId(kafka: Kafka, topic: string): Promise<string | null> {
  return withCluster(kafka, async ({ brokerPool: { seedBroker } }) => {
    if ((seedBroker.versions?.[metadataKey]?.maxVersion ?? 0) < metadataVersion) return null;
    const request = {
      apiKey: metadataKey,
      apiVersion: metadataVersion,
      apiName: 'Metadata',
      encode: async () => encodeRequest(topic),
    };
    const response = {
      decode: async (bytes: Buffer) => decodeResponse(new DecoderClass(bytes)),
      parse: async (answer: object) => answer,
    };
    const answer = (await seedBroker.connectionPool.send({ request, response })) as Answer;
    if (answer.error === unknownTopic) return null;
    if (answer.error !== 0)
      throw new Error(`the broker answers ${answer.error} when asked for topic ${topic}`);
    return answer.topicId;
  });
}

interface Answer {
  readonly error: number;
  readonly topicId: string;
}

function encodeRequest(topic: string): Encoder {
  const encoder = new EncoderClass();
  encoder.writeUVarInt(0); // the request header's tagged fields
  encoder.writeUVarInt(2); // one topic
  encoder.writeBuffer(Buffer.alloc(16)); // by name, not by id
  encoder.writeUVarIntString(topic).writeUVarInt(0);
  return encoder.writeBoolean(false).writeBoolean(false).writeUVarInt(0);
}

/** Reads up to the one topic's id; what follows is not needed. */
function decodeResponse(decoder: Decoder): Answer {
  decoder.readTaggedFields();
  decoder.readInt32(); // throttle time
  const brokers = decoder.readUVarInt() - 1;
  for (let i = 0; i < brokers; i++) {
    decoder.readInt32();
    decoder.readUVarIntString();
    decoder.readInt32();
    decoder.readUVarIntString();
    decoder.readTaggedFields();
  }
  decoder.readUVarIntString(); // cluster id
  decoder.readInt32(); // controller
  decoder.readUVarInt(); // one topic
  const error = decoder.readInt16();
  decoder.readUVarIntString();
  return { error, topicId: decoder.readBytes(16).toString('base64url') };
}
