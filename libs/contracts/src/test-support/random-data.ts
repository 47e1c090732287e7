import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { instantFromMicros } from '@slipstream/kernel';
import fc from 'fast-check';
import { isMandatory } from '../mandatory-fields.ts';

/** The domain's data of a message, of any shape and size that its types allow, with the values that are odd on the wire. */
export function dataOf(schema: DescMessage): fc.Arbitrary<Record<string, unknown>> {
  const own = schema.fields.filter(({ oneof }) => oneof === undefined);
  const single = fc.record(Object.fromEntries(own.map((field) => [field.localName, anyValueOf(field)])));
  const oneofs = schema.oneofs.map(({ fields }) => memberOf(fields));
  return fc.tuple(single, ...oneofs).map((parts) => {
    const all = Object.assign({}, ...parts) as Record<string, unknown>;
    return Object.fromEntries(schema.fields.map(({ localName }) => [localName, all[localName]]));
  });
}

/** One of the members, or none. */
function memberOf(fields: readonly DescField[]): fc.Arbitrary<Record<string, unknown>> {
  const none = Object.fromEntries(fields.map(({ localName }) => [localName, null]));
  const some = fields.map((field) =>
    setValueOf(field).map((value) => ({ ...none, [field.localName]: value })),
  );
  return fc.oneof(fc.constant(none), ...some);
}

function anyValueOf(field: DescField): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'list') return fc.array(setValueOf(field), { maxLength: 6 });
  if (field.fieldKind === 'map') return fc.dictionary(text, text, { maxKeys: 6, noNullPrototype: true });
  const isExplicit = (field.fieldKind === 'message' && !isMandatory(field)) || field.proto.proto3Optional;
  return isExplicit ? fc.option(setValueOf(field), { nil: null }) : setValueOf(field);
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ minLength: 100, maxLength: 700 }),
  fc.string({ unit: 'grapheme', minLength: 20, maxLength: 80 }),
  fc.constantFrom(
    '',
    '\uFEFFx',
    '\uD800',
    'a\uDFFFb',
    '__proto__',
    '7',
    'x'.repeat(127),
    'x'.repeat(128),
    'é'.repeat(64),
  ),
);

const instant = fc
  .oneof(
    fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }),
    fc.constantFrom(0n, -1n, 1n, 1_000_000n, -1_000_000n),
  )
  .map(instantFromMicros);

const int32Max = 2 ** 31 - 1;

const scalars: Partial<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  [ScalarType.STRING]: text,
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.BYTES]: fc.uint8Array({ maxLength: 200 }),
  [ScalarType.INT32]: fc.oneof(
    fc.integer({ min: -int32Max - 1, max: int32Max }),
    fc.nat({ max: 300 }),
    fc.constantFrom(0, int32Max),
  ),
  [ScalarType.INT64]: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: 0n, max: 100_000n }),
    fc.constantFrom(0n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n),
  ),
};

function setValueOf(field: DescField): fc.Arbitrary<unknown> {
  if (field.enum) {
    const known = field.enum.values.filter(({ number }) => number !== 0);
    return fc.constantFrom(...known.map(({ localName }) => localName.toLowerCase()));
  }
  if (!field.message) return scalars[field.scalar as ScalarType]!;
  return field.message.typeName === 'google.protobuf.Timestamp' ? instant : dataOf(field.message);
}
