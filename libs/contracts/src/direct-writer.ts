import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { enumNumbers, isTimestamp } from './domain-mapping.ts';
import type { WireWriter } from './wire-writer.ts';

/**
 * Writes the domain's plain data as a message's bytes, without the message between them: the same bytes as the general
 * way of `domain-mapping.ts`. @throws for data that no event of ours has, which the general way has to judge
 */
export type DirectWriter = (data: object, writer: WireWriter) => void;

/** Thrown for what is not ordinary. */
const unusual = new Error('data that no event of ours has');

type WriteValue = (value: unknown, writer: WireWriter) => void;

const cache = new WeakMap<DescMessage, DirectWriter>();

export function directWriterOf(schema: DescMessage): DirectWriter {
  let writer = cache.get(schema);
  if (!writer) {
    writer = compile(schema);
    cache.set(schema, writer);
  }
  return writer;
}

function compile(schema: DescMessage): DirectWriter {
  const fields = [...schema.fields]
    .sort((a, b) => a.number - b.number)
    .map((field) => ({ name: field.localName, write: fieldWriter(field) }));
  const choices = schema.oneofs.map((oneof) => oneof.fields.map(({ localName }) => localName));
  return (data, writer) => {
    const values = data as Readonly<Record<string, unknown>>;
    for (let i = 0; i < choices.length; i++) refuseSecondMember(choices[i]!, values);
    for (let i = 0; i < fields.length; i++) {
      const { name, write } = fields[i]!;
      const value = values[name];
      if (value !== null && value !== undefined) write(value, writer);
    }
  };
}

function refuseSecondMember(names: readonly string[], values: Readonly<Record<string, unknown>>): void {
  if (names.filter((name) => (values[name] ?? null) !== null).length > 1) throw unusual;
}

function fieldWriter(field: DescField): WriteValue {
  switch (field.fieldKind) {
    case 'list':
      return listWriter(field);
    case 'map':
      return mapWriter(field);
    default:
      return singleWriter(field);
  }
}

const varintType = 0;
const textType = 2;

function tagOf(field: DescField, wireType: number): number {
  return (field.number << 3) | wireType;
}

function singleWriter(field: DescField): WriteValue {
  const { write, wireType } = valueWriter(field);
  const tag = tagOf(field, wireType);
  const isDefault = field.presence === implicitPresence ? defaultTest(field) : () => false;
  return (value, writer) => {
    if (isDefault(value)) return;
    writer.varint(tag);
    write(value, writer);
  };
}

/** Without presence, a field at its default is not written. */
function defaultTest(field: DescField): (value: unknown) => boolean {
  switch (field.scalar) {
    case ScalarType.STRING:
      return (value) => value === '';
    case ScalarType.BOOL:
      return (value) => value === false;
    case ScalarType.INT32:
      return (value) => value === 0;
    case ScalarType.INT64:
      return (value) => value === 0n;
    case ScalarType.BYTES:
      return (value) => (value as Uint8Array).length === 0;
    default:
      return () => false;
  }
}

function listWriter(field: DescField & { fieldKind: 'list' }): WriteValue {
  const { write, wireType } = valueWriter(field);
  const tag = tagOf(field, textType);
  const isPacked = wireType === varintType;
  return (value, writer) => {
    if (!Array.isArray(value) || (isPacked && !field.packed)) throw unusual;
    if (value.length === 0) return;
    if (!isPacked) {
      for (let i = 0; i < value.length; i++) {
        writer.varint(tag);
        write(value[i], writer);
      }
      return;
    }
    writer.varint(tag);
    const start = writer.open();
    for (let i = 0; i < value.length; i++) write(value[i], writer);
    writer.close(start);
  };
}

const keyTag = 0x0a;
const valueTag = 0x12;

function mapWriter(field: DescField & { fieldKind: 'map' }): WriteValue {
  const tag = tagOf(field, textType);
  const isOfTexts =
    field.mapKey === ScalarType.STRING && field.mapKind === 'scalar' && field.scalar === ScalarType.STRING;
  return (value, writer) => {
    if (!isOfTexts || typeof value !== 'object') throw unusual;
    const entries = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(entries)) {
      writer.varint(tag);
      const start = writer.open();
      writer.byte(keyTag);
      writer.text(key);
      writer.byte(valueTag);
      writeText(entries[key], writer);
      writer.close(start);
    }
  };
}

interface ValueWriter {
  readonly wireType: number;
  write: WriteValue;
}

function valueWriter(field: DescField): ValueWriter {
  if (field.message) return { wireType: textType, write: messageWriter(field.message) };
  if (field.enum) return { wireType: varintType, write: enumWriter(enumNumbers(field.enum)) };
  return scalarWriters[field.scalar as ScalarType] ?? { wireType: textType, write: refuse };
}

const refuse: WriteValue = () => {
  throw unusual;
};

const writeText: WriteValue = (value, writer) => {
  if (typeof value !== 'string') throw unusual;
  writer.text(value);
};

const int32Max = 2 ** 31 - 1;

const scalarWriters: Partial<Record<ScalarType, ValueWriter>> = {
  [ScalarType.STRING]: { wireType: textType, write: writeText },
  [ScalarType.BYTES]: {
    wireType: textType,
    write(value, writer) {
      if (!(value instanceof Uint8Array)) throw unusual;
      writer.view(value);
    },
  },
  [ScalarType.BOOL]: {
    wireType: varintType,
    write(value, writer) {
      if (typeof value !== 'boolean') throw unusual;
      writer.byte(value ? 1 : 0);
    },
  },
  [ScalarType.INT32]: {
    wireType: varintType,
    write(value, writer) {
      if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > int32Max) throw unusual;
      writer.varint(value as number);
    },
  },
  [ScalarType.INT64]: {
    wireType: varintType,
    write(value, writer) {
      if (typeof value !== 'bigint') throw unusual;
      writer.int64(value);
    },
  },
};

function enumWriter(numbers: ReadonlyMap<unknown, number>): WriteValue {
  return (value, writer) => {
    const number = numbers.get(value);
    // 0 says that the value is missing.
    if (number === undefined || number === 0) throw unusual;
    writer.varint(number);
  };
}

function messageWriter(schema: DescMessage): WriteValue {
  if (isTimestamp(schema)) return writeTimestamp;
  // Looked up late: a message may contain its own type.
  let write: DirectWriter | undefined;
  return (value, writer) => {
    if (typeof value !== 'object' || value === null) throw unusual;
    write ??= directWriterOf(schema);
    const start = writer.open();
    write(value, writer);
    writer.close(start);
  };
}

const writeTimestamp: WriteValue = (value, writer) => {
  if (typeof value !== 'string') throw unusual;
  const start = writer.open();
  writer.timestamp(value);
  writer.close(start);
};

/** By the number of `google.protobuf.FeatureSet.FieldPresence`. */
const implicitPresence = 2;
