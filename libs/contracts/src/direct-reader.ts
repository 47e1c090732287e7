import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { instantFromSeconds } from '@slipstream/kernel';
import { enumNames, isTimestamp } from './domain-mapping.ts';
import { isMandatory } from './mandatory-fields.ts';
import type { WireReader } from './wire-reader.ts';

/**
 * Reads a message's bytes into the domain's plain data, without the message between them, as `domain-mapping.ts` would.
 * It knows only what our own services write: each field once, in the order of their numbers, of the types they use, with
 * values that this release knows. @throws for anything else, which the general way has to judge
 */
export type DirectReader = (reader: WireReader, end: number) => object;

/** Thrown for what is not ordinary. */
const unusual = new Error('bytes that our own services would not write');

type Plain = Record<string, unknown>;
type ReadValue = (reader: WireReader, end: number) => unknown;

interface FieldReader {
  readonly index: number;
  readonly name: string;
  /** A number and a wire type. */
  readonly tag: number;
  readonly repeats: boolean;
  /** What the domain has where the field is not there; throws where it must be. */
  absent(): unknown;
  read(reader: WireReader, end: number, into: Plain): void;
}

/** A message inside so many others is not ours. */
const depthMax = 20;

const cache = new WeakMap<DescMessage, DirectReader>();

export function directReaderOf(schema: DescMessage): DirectReader {
  let reader = cache.get(schema);
  if (!reader) {
    reader = compile(schema);
    cache.set(schema, reader);
  }
  return reader;
}

function compile(schema: DescMessage): DirectReader {
  const fields = [...schema.fields].sort((a, b) => a.number - b.number).map(fieldReader);
  const byTag: (FieldReader | undefined)[] = [];
  for (const field of fields) byTag[field.tag] = field;
  const count = fields.length;
  return (reader, end) => {
    const data: Plain = {};
    let next = 0;
    while (reader.at < end) {
      const field = byTag[reader.varint(end)];
      if (field === undefined) throw unusual;
      const { index } = field;
      if (index < next && !(field.repeats && index === next - 1)) throw unusual;
      for (; next < index; next++) fillIn(fields[next]!, data);
      next = index + 1;
      field.read(reader, end, data);
    }
    for (; next < count; next++) fillIn(fields[next]!, data);
    return data;
  };
}

function fillIn(field: FieldReader, data: Plain): void {
  data[field.name] = field.absent();
}

function fieldReader(field: DescField, index: number): FieldReader {
  const { localName: name } = field;
  const place = { index, name };
  switch (field.fieldKind) {
    case 'list':
      return { ...place, ...listReader(field) };
    case 'map':
      return { ...place, ...mapReader(field) };
    default: {
      const { read, wireType } = valueReader(field);
      const tag = (field.number << 3) | wireType;
      const single = { ...place, tag, repeats: false, absent: absentValue(field) };
      const rivals = field.oneof?.fields.filter(({ number }) => number < field.number) ?? [];
      if (rivals.length > 0) return { ...single, read: memberReader(name, rivals, read) };
      return {
        ...single,
        read: (reader, end, into) => {
          into[name] = read(reader, end);
        },
      };
    }
  }
}

/** A member of a oneof: of several the last one counts, but nobody writes several. */
function memberReader(name: string, rivals: readonly DescField[], read: ReadValue): FieldReader['read'] {
  const names = rivals.map(({ localName }) => localName);
  return (reader, end, into) => {
    if (names.some((rival) => into[rival] !== null)) throw unusual;
    into[name] = read(reader, end);
  };
}

type Repeated = Pick<FieldReader, 'tag' | 'repeats' | 'absent' | 'read'>;

function listReader(field: DescField & { fieldKind: 'list' }): Repeated {
  const { localName: name } = field;
  const { read, wireType } = valueReader(field);
  const isPacked = wireType === varintType;
  const absent = () => [];
  const tag = (field.number << 3) | textType;
  if (isPacked) {
    const readPacked: FieldReader['read'] = (reader, end, into) => {
      const until = reader.span(end);
      const items: unknown[] = [];
      while (reader.at < until) items.push(read(reader, until));
      into[name] = items;
    };
    return { tag, repeats: false, absent, read: readPacked };
  }
  const readItem: FieldReader['read'] = (reader, end, into) => {
    into[name] ??= [];
    (into[name] as unknown[]).push(read(reader, end));
  };
  return { tag, repeats: true, absent, read: readItem };
}

const keyTag = 0x0a;
const valueTag = 0x12;

function mapReader(field: DescField & { fieldKind: 'map' }): Repeated {
  const { localName: name } = field;
  const isOfTexts =
    field.mapKey === ScalarType.STRING && field.mapKind === 'scalar' && field.scalar === ScalarType.STRING;
  const read: FieldReader['read'] = (reader, end, into) => {
    const until = reader.span(end);
    if (!isOfTexts || reader.varint(until) !== keyTag) throw unusual;
    const key = reader.text(until);
    // Assigned, it would be the prototype.
    if (key === '__proto__' || reader.varint(until) !== valueTag) throw unusual;
    into[name] ??= {};
    (into[name] as Record<string, string>)[key] = reader.text(until);
    if (reader.at !== until) throw unusual;
  };
  return { tag: (field.number << 3) | textType, repeats: true, absent: () => ({}), read };
}

const varintType = 0;
const textType = 2;

interface ValueReader {
  readonly wireType: number;
  read: ReadValue;
}

function valueReader(field: DescField): ValueReader {
  if (field.message) return { wireType: textType, read: messageReader(field.message) };
  if (field.enum) {
    const names = enumNames(field.enum);
    const read: ReadValue = (reader, end) => {
      const number = reader.varint(end);
      const value = names[number];
      if (value === undefined || number === 0) throw unusual;
      return value;
    };
    return { wireType: varintType, read };
  }
  return scalarReaders[field.scalar as ScalarType] ?? { wireType: textType, read: refuse };
}

const refuse: ReadValue = () => {
  throw unusual;
};

const int32Max = 2 ** 31 - 1;

const scalarReaders: Partial<Record<ScalarType, ValueReader>> = {
  [ScalarType.STRING]: { wireType: textType, read: (reader, end) => reader.text(end) },
  [ScalarType.BYTES]: { wireType: textType, read: (reader, end) => reader.view(end) },
  [ScalarType.BOOL]: { wireType: varintType, read: (reader, end) => reader.varint(end) !== 0 },
  [ScalarType.INT64]: { wireType: varintType, read: (reader, end) => reader.int64(end) },
  [ScalarType.INT32]: {
    wireType: varintType,
    read(reader, end) {
      const value = reader.varint(end);
      if (value > int32Max) throw unusual;
      return value;
    },
  },
};

function messageReader(schema: DescMessage): ReadValue {
  if (isTimestamp(schema)) return readTimestamp;
  // Looked up late: a message may contain its own type.
  let read: DirectReader | undefined;
  return (reader, end) => {
    const until = reader.span(end);
    if (reader.depth >= depthMax) throw unusual;
    reader.depth += 1;
    read ??= directReaderOf(schema);
    const data = read(reader, until);
    reader.depth -= 1;
    return data;
  };
}

const secondsTag = 0x08;
const nanosTag = 0x10;

const readTimestamp: ReadValue = (reader, end) => {
  const until = reader.span(end);
  let seconds = 0;
  let nanos = 0;
  while (reader.at < until) {
    const tag = reader.varint(until);
    if (tag === secondsTag) seconds = reader.int64Rounded(until);
    else if (tag === nanosTag) nanos = reader.varint(until);
    else throw unusual;
  }
  const instant = nanos < 1e9 ? instantFromSeconds(seconds, Math.trunc(nanos / 1000)) : null;
  if (instant === null) throw unusual;
  return instant;
};

function absentValue(field: DescField): () => unknown {
  if (isMandatory(field)) return refuse as () => unknown;
  const isExplicit = field.presence !== implicitPresence;
  if (isExplicit || field.fieldKind === 'message') return () => null;
  if (field.fieldKind === 'enum') return refuse as () => unknown;
  switch (field.scalar) {
    case ScalarType.STRING:
      return () => '';
    case ScalarType.BOOL:
      return () => false;
    case ScalarType.BYTES:
      return () => new Uint8Array(0);
    case ScalarType.INT64:
      return () => 0n;
    case ScalarType.INT32:
      return () => 0;
    default:
      return refuse as () => unknown;
  }
}

/** By the number of `google.protobuf.FeatureSet.FieldPresence`. */
const implicitPresence = 2;
