import type { DescEnum, DescField, DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import {
  type Instant,
  instantFromMicros,
  instantToSeconds,
  microsWithin,
  SlipstreamError,
} from '@slipstream/kernel';
import { isMandatory } from './mandatory-fields.ts';

/**
 * The general way between bytes and the domain's plain data, by generated protobuf messages (the direct one is in
 * `direct-reader.ts` and `direct-writer.ts`, and must mean the same). Made by walking the descriptor once:
 * enum -> its lower-case name, Timestamp -> {@link Instant}, unset -> null, oneof -> one property per member.
 * The field names are the same on both sides, so no shape is written twice.
 *
 * `toDomain` throws `undecodable_record` for a value that must be there and is not (an enum's, and a message that
 * `mandatory-fields.ts` names; `whose` it is, is told), and `too_new` for an enum value or
 * a member of a oneof that this schema does not have: then a newer release wrote the message, and this one cannot tell
 * what it means. An unknown field outside a oneof is passed over, as protobuf intends.
 */
export interface Mapping {
  toDomain(message: Message, whose?: string): object;
  toMessage(data: object): Message;
}

type Plain = Record<string, unknown>;
interface Timestamp {
  seconds: bigint;
  nanos: number;
}

/** By schema, not by its name: two releases of a message may be read side by side. */
const cache = new WeakMap<DescMessage, Mapping>();

export function mappingOf(schema: DescMessage): Mapping {
  const known = cache.get(schema);
  if (known) return known;
  const mapping = compile(schema);
  cache.set(schema, mapping);
  return mapping;
}

function compile(schema: DescMessage): Mapping {
  const fields = schema.fields.map((field) => ({
    name: field.localName,
    oneof: field.oneof?.localName,
    isMandatory: isMandatory(field),
    ...converters(field),
  }));
  return {
    toDomain(message, whose = schema.typeName) {
      const source = message as unknown as Plain;
      for (const { localName } of schema.oneofs) refuseUnknownMember(message, source[localName] as Member);
      const data: Plain = {};
      for (const field of fields) {
        const value = valueIn(source, field.name, field.oneof);
        if (value === undefined && field.isMandatory) throw lacking(whose, field.name);
        data[field.name] = field.read(value, whose);
      }
      return data;
    },
    toMessage(data) {
      const source = data as Plain;
      const init: Plain = {};
      for (const field of fields) {
        const value = source[field.name];
        if (value === null || value === undefined) continue;
        if (field.oneof) init[field.oneof] = { case: field.name, value: field.write(value) };
        else init[field.name] = field.write(value);
      }
      return create(schema, init as never) as MessageShape<DescMessage>;
    },
  };
}

interface Member {
  case: string | undefined;
  value?: unknown;
}

/** An empty oneof beside fields that are not known: the member is most likely among them. */
function refuseUnknownMember(message: Message, member: Member): void {
  if (member.case !== undefined || (message.$unknown ?? []).length === 0) return;
  throw new SlipstreamError('too_new', `${message.$typeName} has fields that this release does not know`);
}

function valueIn(source: Plain, name: string, oneof: string | undefined): unknown {
  if (oneof === undefined) return source[name];
  const member = source[oneof] as Member;
  return member.case === name ? member.value : undefined;
}

interface Converters {
  read(value: unknown, whose: string): unknown;
  write(value: unknown): unknown;
}

const asIs: Converters = { read: (value) => value ?? null, write: (value) => value };

function converters(field: DescField): Converters {
  switch (field.fieldKind) {
    case 'scalar':
      return asIs;
    case 'map':
      return { read: (value) => ({ ...(value as object) }), write: (value) => value };
    case 'enum':
      return enumConverters(field.enum, field);
    case 'message':
      return messageConverters(field.message, field);
    case 'list':
      return listConverters(field);
  }
}

/** The domain's names of an enum's values, by number. */
export function enumNames(schema: DescEnum): readonly (string | undefined)[] {
  const names: string[] = [];
  for (const { number, localName } of schema.values) names[number] = localName.toLowerCase();
  return names;
}

export function enumNumbers(schema: DescEnum): ReadonlyMap<unknown, number> {
  return new Map(schema.values.map(({ number, localName }) => [localName.toLowerCase(), number]));
}

function enumConverters(schema: DescEnum, field: DescField): Converters {
  const names = enumNames(schema);
  const numbers = enumNumbers(schema);
  return {
    read(value) {
      if (value === undefined) return null;
      if (value === 0) throw wrongValue(field, 'the value is missing');
      const name = names[value as number];
      if (name === undefined) throw new SlipstreamError('too_new', `${field}: unknown value ${value}`);
      return name;
    },
    write: (value) => numbers.get(value) ?? 0,
  };
}

function messageConverters(schema: DescMessage, field: DescField): Converters {
  if (isTimestamp(schema)) {
    return {
      read: (value) => (value === undefined ? null : fromTimestamp(value as Timestamp, field)),
      write: (value) => toTimestamp(value as Instant),
    };
  }
  // Looked up late: a message may contain its own type.
  return {
    read: (value, whose) =>
      value === undefined ? null : mappingOf(schema).toDomain(value as Message, `${field.name} in ${whose}`),
    write: (value) => mappingOf(schema).toMessage(value as object),
  };
}

export function isTimestamp(schema: DescMessage): boolean {
  return schema.typeName === 'google.protobuf.Timestamp';
}

function listConverters(field: DescField & { fieldKind: 'list' }): Converters {
  const item = itemConverters(field);
  return {
    read: (value, whose) => (value as unknown[]).map((one) => item.read(one, whose)),
    write: (value) => (value as unknown[]).map(item.write),
  };
}

function itemConverters(field: DescField & { fieldKind: 'list' }): Converters {
  if (field.listKind === 'message') return messageConverters(field.message, field);
  return field.listKind === 'enum' ? enumConverters(field.enum, field) : asIs;
}

function fromTimestamp(timestamp: Timestamp, field: DescField): Instant {
  // They would be another second: protobuf's Timestamp has no such value.
  if (timestamp.nanos < 0 || timestamp.nanos > 999_999_999)
    throw wrongValue(field, 'a timestamp has nanoseconds below zero, or a second of them');
  try {
    return instantFromMicros(timestamp.seconds * 1_000_000n + BigInt(Math.trunc(timestamp.nanos / 1000)));
  } catch (cause) {
    throw wrongValue(field, 'a timestamp lies outside the years 0001-9999', cause);
  }
}

function lacking(whose: string, name: string): SlipstreamError {
  const errors = [{ pointer: `/${name}`, detail: 'is missing' }];
  return new SlipstreamError('undecodable_record', `${whose} lacks ${name}`, { errors });
}

/** The message is one of its kind, but for this field: `errors` names it. */
function wrongValue(field: DescField, detail: string, cause?: unknown): SlipstreamError {
  const errors = [{ pointer: `/${field.name}`, detail }];
  return new SlipstreamError('undecodable_record', `${field}: ${detail}`, { errors, cause });
}

function toTimestamp(instant: Instant): Timestamp {
  return { seconds: BigInt(instantToSeconds(instant)), nanos: microsWithin(instant) * 1000 };
}
