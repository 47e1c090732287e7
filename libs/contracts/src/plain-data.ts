import { isUtf8 } from 'node:buffer';
import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { isMandatory } from './mandatory-fields.ts';

/**
 * Tells whether {@link decodeData} surely takes the bytes of a message, without decoding them: every field is known and
 * whole, every text is text, all that is mandatory is there, every enum has a value that this release knows. For consumers that follow an event though
 * they need none of its data; of bytes that are not plain they know nothing, and decode them.
 */
export class PlainShape {
  /** By tag, of one byte or two: a field's number and wire type. */
  readonly #fields: (FieldShape | undefined)[] = [];
  /** Bits of what must be there: mandatory messages, and enums, whose unset value nobody may write. */
  #required = 0;

  constructor(fields: Iterable<FieldShape>) {
    for (const field of fields) {
      this.#fields[field.tag] = field;
      this.#required |= field.requiredBit;
    }
  }

  matches(bytes: Buffer, from: number, end: number): boolean {
    let seen = 0;
    for (let at = from; at < end; ) {
      let tag = bytes[at++]!;
      if (tag > 127) tag = (tag & 127) | (bytes[at++]! << 7);
      const field = this.#fields[tag];
      if (field === undefined) return false;
      at = field.isText ? skipText(field, bytes, at, end) : skipNumber(field, bytes, at, end);
      if (at < 0) return false;
      seen |= field.requiredBit;
    }
    return seen === this.#required;
  }
}

interface FieldShape {
  readonly tag: number;
  /** Length-delimited; otherwise a varint. */
  readonly isText: boolean;
  readonly content: 'text' | 'bytes' | 'numbers' | 'timestamp' | 'message';
  readonly message: () => PlainShape;
  /** The values of an enum; null for any other number. */
  readonly values: ReadonlySet<number> | null;
  readonly requiredBit: number;
}

const shapes = new WeakMap<DescMessage, PlainShape>();

/** @throws Error for a message with a kind of field that has no rule here */
export function plainShapeOf(schema: DescMessage): PlainShape {
  let shape = shapes.get(schema);
  if (!shape) {
    shape = new PlainShape(schema.fields.map(fieldShape));
    shapes.set(schema, shape);
  }
  return shape;
}

const never: FieldShape['message'] = () => {
  throw new Error('no message');
};

function fieldShape(field: DescField, index: number): FieldShape {
  const wire = (type: 0 | 2) => (field.number << 3) | type;
  if (field.number > 2_047 || index > 30) throw new Error(`${field}: a tag of three bytes`);
  const text = (content: FieldShape['content'], message = never): FieldShape => ({
    ...{ tag: wire(2), isText: true, content, message, values: null, requiredBit: 0 },
  });
  switch (field.fieldKind) {
    case 'scalar':
      return scalarShape(field.scalar, text, wire(0));
    case 'enum':
      return enumShape(field.enum, wire(0), field.presence === implicitPresence ? 1 << index : 0);
    case 'message':
      return { ...messageShape(field.message, text), requiredBit: isMandatory(field) ? 1 << index : 0 };
    case 'map':
      if (
        field.mapKey !== ScalarType.STRING ||
        field.mapKind !== 'scalar' ||
        field.scalar !== ScalarType.STRING
      )
        throw new Error(`${field}: a map of others than texts`);
      return text('message', () => textEntry);
    case 'list':
      if (field.listKind === 'message') return messageShape(field.message, text);
      if (field.listKind === 'scalar' && field.scalar === ScalarType.STRING) return text('text');
      if (field.listKind === 'enum' || !isVarint(field.scalar))
        throw new Error(`${field}: no rule for such a list`);
      return text('numbers');
  }
}

const implicitPresence = 2;

function scalarShape(
  scalar: ScalarType,
  text: (content: FieldShape['content']) => FieldShape,
  tag: number,
): FieldShape {
  if (scalar === ScalarType.STRING) return text('text');
  if (scalar === ScalarType.BYTES) return text('bytes');
  if (!isVarint(scalar)) throw new Error(`no rule for a field of type ${ScalarType[scalar]}`);
  return { tag, isText: false, content: 'numbers', message: never, values: null, requiredBit: 0 };
}

function isVarint(scalar: ScalarType): boolean {
  return [ScalarType.INT32, ScalarType.INT64, ScalarType.BOOL].includes(scalar);
}

function enumShape(schema: DescEnum, tag: number, requiredBit: number): FieldShape {
  const values = new Set(schema.values.map(({ number }) => number).filter((number) => number > 0));
  return { tag, isText: false, content: 'numbers', message: never, values, requiredBit };
}

function messageShape(
  schema: DescMessage,
  text: (content: FieldShape['content'], message?: FieldShape['message']) => FieldShape,
): FieldShape {
  if (schema.typeName === 'google.protobuf.Timestamp') return text('timestamp');
  return text('message', () => plainShapeOf(schema));
}

const entryText = (number: number): FieldShape => ({
  ...{ tag: (number << 3) | 2, isText: true, content: 'text', message: never, values: null, requiredBit: 0 },
});
const textEntry = new PlainShape([entryText(1), entryText(2)]);

/** Bytes of the longest varint that is plain: a negative number has one more. */
const varintBytesMax = 9;

/** The place behind a field of type varint, or -1: it is not plain. */
function skipNumber({ values }: FieldShape, bytes: Buffer, from: number, end: number): number {
  const at = skipVarint(bytes, from, end);
  if (at < 0 || values === null) return at;
  return at === from + 1 && values.has(bytes[from]!) ? at : -1;
}

function skipVarint(bytes: Buffer, from: number, end: number): number {
  const limit = Math.min(end, from + varintBytesMax);
  for (let at = from; at < limit; at++) if (bytes[at]! < 128) return at + 1;
  return -1;
}

/** The place behind a length-delimited field, or -1: it is not plain. */
function skipText(field: FieldShape, bytes: Buffer, from: number, end: number): number {
  let at = from + 1;
  let length = bytes[from]!;
  if (length > 127) {
    length = (length & 127) | (bytes[at]! << 7);
    if (bytes[at++]! > 127) return -1;
  }
  const next = at + length;
  return next <= end && isPlain(field, bytes, at, next) ? next : -1;
}

function isPlain(field: FieldShape, bytes: Buffer, at: number, end: number): boolean {
  switch (field.content) {
    case 'text':
      return isText(bytes, at, end);
    case 'bytes':
      return true;
    case 'numbers':
      return areNumbers(bytes, at, end);
    case 'timestamp':
      return isTimestamp(bytes, at, end);
    case 'message':
      return field.message().matches(bytes, at, end);
    default:
      return field.content satisfies never;
  }
}

function isText(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (bytes[at]! > 127) return isUtf8(bytes.subarray(from, end));
  return true;
}

function areNumbers(bytes: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at >= 0 && at < end) at = skipVarint(bytes, at, end);
  return at === end;
}

const secondsTag = 0x08;
const nanosTag = 0x10;
/** Five bytes hold 35 bits of seconds: the year 3058. */
const timestampVarintBytesMax = 5;

function isTimestamp(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; ) {
    const tag = bytes[at]!;
    const next = skipVarint(bytes, at + 1, end);
    if (next < 0 || next - at - 1 > timestampVarintBytesMax) return false;
    if (tag === nanosTag && next - at - 1 === timestampVarintBytesMax && bytes[next - 1]! > 3) return false;
    if (tag !== secondsTag && tag !== nanosTag) return false;
    at = next;
  }
  return true;
}
