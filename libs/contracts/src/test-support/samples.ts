import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import type { OpsEvent, SlipEvent } from '@slipstream/slip';
import { schemas } from '../event-types.ts';
import { isMandatory } from '../mandatory-fields.ts';
import { opsSchemas } from '../ops-event-types.ts';

/** Every slip event with its data in all shapes that differ on the wire: each enum value, each oneof member, bare. */
export function sampleEvents(): SlipEvent[] {
  return Object.entries(schemas).flatMap(([type, schema]) => samplesOf<SlipEvent>(type, schema));
}

/** The same of the operations events. */
export function sampleOpsEvents(): OpsEvent[] {
  return Object.entries(opsSchemas).flatMap(([type, schema]) => samplesOf<OpsEvent>(type, schema));
}

function samplesOf<Event>(type: string, schema: DescMessage): Event[] {
  const full = Array.from({ length: variantsOf(schema) }, (_, n) => dataOf(schema, n));
  return [...full, bareDataOf(schema)].map((data) => ({ type, data }) as Event);
}

type Data = Record<string, unknown>;

/** One message with every field set; of a oneof, its first member. */
export function sampleData(schema: DescMessage): Data {
  return dataOf(schema, 0);
}

/** As many as the largest enum or oneof inside has choices. */
function variantsOf(schema: DescMessage): number {
  const own = schema.oneofs.map((oneof) => oneof.fields.length);
  const nested = schema.fields.map((field) => {
    if (field.enum) return choices(field.enum).length;
    return field.message && !isTimestamp(field.message) ? variantsOf(field.message) : 1;
  });
  return Math.max(1, ...own, ...nested);
}

function dataOf(schema: DescMessage, n: number): Data {
  return Object.fromEntries(
    schema.fields.map((field) => {
      const members = field.oneof?.fields;
      const isSet = members === undefined || members[n % members.length] === field;
      return [field.localName, isSet ? sampleOf(field, n) : null];
    }),
  );
}

/** Nothing but what must be there: protobuf's defaults, and the first value of each enum. */
function bareDataOf(schema: DescMessage): Data {
  return Object.fromEntries(schema.fields.map((field) => [field.localName, bareSampleOf(field)]));
}

function bareSampleOf(field: DescField): unknown {
  if (field.fieldKind === 'list') return [];
  if (field.fieldKind === 'map') return {};
  // Explicit presence: messages, `optional` fields and members of a oneof.
  if (isMandatory(field))
    return isTimestamp(field.message!) ? sampleOf(field, 0) : bareDataOf(field.message!);
  if (field.fieldKind === 'message' || field.oneof || field.proto.proto3Optional) return null;
  if (field.fieldKind === 'enum') return choices(field.enum)[0];
  const full = sampleOf(field, 0);
  if (typeof full === 'string') return '';
  if (typeof full === 'bigint') return 0n;
  if (typeof full === 'number') return 0;
  return typeof full === 'boolean' ? false : new Uint8Array(0);
}

function sampleOf(field: DescField, n: number): unknown {
  switch (field.fieldKind) {
    case 'map':
      return { [`${field.localName}-key`]: `${field.localName}-value` };
    case 'list':
      return [singleSampleOf(field, n), singleSampleOf(field, n + 1)];
    default:
      return singleSampleOf(field, n);
  }
}

function singleSampleOf(field: DescField, n: number): unknown {
  if (field.enum) return choices(field.enum)[n % choices(field.enum).length];
  if (!field.message) return scalarOf(field, n);
  if (!isTimestamp(field.message)) return dataOf(field.message, n);
  return `2026-11-22T10:00:0${n % 10}.00000${field.number % 10}Z`;
}

/** protobuf's descriptor.proto numbers: 3 int64, 5 int32, 8 bool, 9 string, 12 bytes. */
function scalarOf({ scalar, localName, number }: DescField, n: number): unknown {
  switch (scalar as number) {
    case 3:
      return 9007199254740993n + BigInt(n);
    case 5:
      return number * 1000 + n;
    case 8:
      return true;
    case 9:
      return `${localName} ${n}`;
    case 12:
      return Uint8Array.from([number, n, 255]);
    default:
      throw new Error(`no sample for scalar ${scalar} of ${localName}`);
  }
}

function choices(schema: DescEnum): string[] {
  return schema.values.filter(({ number }) => number !== 0).map(({ localName }) => localName.toLowerCase());
}

function isTimestamp(schema: DescMessage): boolean {
  return schema.typeName === 'google.protobuf.Timestamp';
}
