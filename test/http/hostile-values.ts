import type { SeededRandom } from '@slipstream/kernel';
import { type ApiDocument, resolved, type Schema } from './api-description.ts';

/** Texts that have broken somebody's service. */
const texts: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\tb',
  '..',
  '../../etc/passwd',
  "' or 1=1; drop table slip; --",
  '"',
  '\\',
  '%00',
  '%',
  '<script>alert(1)</script>',
  "=cmd|' /C calc'!A0",
  '\u0024{jndi:ldap://127.0.0.1/a}',
  'cafe\u0301',
  '\u202eevil',
  '😀',
  'x'.repeat(300),
  'x'.repeat(9_000),
  '-1',
  '0',
  '1e309',
  'NaN',
  '9223372036854775808',
  '99999999999999999999999999',
  'null',
  'true',
  '[]',
  '{}',
  '__proto__',
  'constructor',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '019B0000-0000-7000-8000-00000000000A',
  '019b0000-0000-7000-8000-000000000000 ',
  '2026-11-22T10:39:00Z',
  '0001-01-01T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '2026-12-31T23:59:60Z',
  'eyJhbGciOiJub25lIn0.e30.',
];
const others: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  [],
  [[]],
  {},
  { a: { b: { c: {} } } },
  [null, 1, 'x'],
  ['x', 'x'],
];
/** Segments of a path as they come over the wire: no client of good will encodes so. */
export const rawSegments: readonly string[] = [
  '%',
  '%zz',
  '%c3%28',
  '%2e%2e',
  '%2F',
  '%00',
  ';a=b',
  '*',
  ':',
];
const plain = ['acme', 'ord-1001', 'cust-42', 'default', 'open', 'EUR', '1250', 'provider', 'wall'];

export function hostileText(random: SeededRandom): string {
  return random.chance(0.6) ? random.pick(texts) : random.pick(plain);
}

export function hostileValue(random: SeededRandom): unknown {
  return random.chance(0.5) ? hostileText(random) : random.pick(others);
}

const uuid = (random: SeededRandom) => {
  const hex = Array.from({ length: 32 }, () => random.integer(0, 15).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
};

const depthMax = 6;

/** A value that the schema allows, most of the time; each part of it may be a hostile one instead. */
export function valueFor(schema: Schema, document: ApiDocument, random: SeededRandom, depth = 0): unknown {
  if (depth > depthMax || random.chance(0.06)) return hostileValue(random);
  const found = resolved(schema, document);
  const { enum: words, example, properties, items, format, additionalProperties, oneOf } = found;
  if (oneOf) return valueFor(random.pick(oneOf), document, random, depth + 1);
  if (found.default !== undefined && random.chance(0.7)) return found.default;
  if (words && words.length > 0) return random.pick(words);
  if (properties) return objectOf(found, document, random, depth);
  if (items) {
    return Array.from({ length: random.integer(0, 4) }, () => valueFor(items, document, random, depth + 1));
  }
  if (example !== undefined && random.chance(0.4)) return example;
  switch ([found.type].flat()[0]) {
    case 'integer':
    case 'number':
      return random.pick([0, 1, 50, 1_000, -1, 2 ** 31, 2 ** 53]);
    case 'boolean':
      return random.chance(0.5);
    case 'object':
      return additionalProperties ? { [hostileText(random)]: hostileText(random) } : {};
    case 'string':
      if (format === 'uuid') return uuid(random);
      if (format === 'date-time') return '2027-01-01T00:00:00Z';
      // Most are new to the service, as references are.
      return random.chance(0.8) ? `t-${random.integer(0, 1e9)}` : hostileText(random);
    case 'null':
      return null;
    default:
      return hostileValue(random);
  }
}

function objectOf(schema: Schema, document: ApiDocument, random: SeededRandom, depth: number): object {
  const fields = Object.entries(schema.properties ?? {})
    .filter(() => random.chance(0.92))
    .map(([name, field]) => [name, valueFor(field, document, random, depth + 1)] as const);
  if (random.chance(0.05)) fields.push([hostileText(random), hostileValue(random)]);
  return Object.fromEntries(fields);
}
