import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseStrictJson } from './strict-json.ts';

const parse = (text: string | Buffer) => parseStrictJson(Buffer.from(text as string));

describe('parseStrictJson', () => {
  it('gives what JSON.parse gives for everything that is allowed', () => {
    const key = fc
      .string({ unit: 'grapheme' })
      .filter((k) => !['__proto__', 'constructor', 'prototype'].includes(k));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\u0000')),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(key, tie('value'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.nat(3), (tree, indent) => {
        const text = JSON.stringify(tree, null, indent);
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['a broken object', '{bad'],
    ['trailing data', '{} {}'],
    ['a trailing comma', '[1,]'],
    ['NaN', 'NaN'],
    ['a byte order mark', '\ufeff{}'],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a duplicate key', '{"a":1,"b":{"c":1},"a":2}'],
    ['a duplicate key in disguise', '{"a":1,"\\u0061":2}'],
    ['a duplicate key inside a list', '[[{"a":1},{"b":{"x":1,"x":2}}]]'],
    ['__proto__', '{"a":{"__proto__":{"x":1}}}'],
    ['__proto__ in disguise', '{"\\u005f_proto__":1}'],
    ['constructor', '{"constructor":{"prototype":{}}}'],
    ['U+0000', '{"a":"x\\u0000y"}'],
    ['a lone surrogate', '{"a":"\\ud83d"}'],
    ['surrogates the wrong way round', '["\\ude00\\ud83d"]'],
    ['a raw control character', '["a\u0001"]'],
    ['33 levels', '['.repeat(33) + ']'.repeat(33)],
    ['10,000 levels', '['.repeat(10_000) + ']'.repeat(10_000)],
  ])('refuses %s', (_, text) => expect(() => parse(text)).toThrow('malformed_json'));

  it.each([
    ['32 levels', '['.repeat(32) + ']'.repeat(32)],
    ['the same key in two objects', '[{"a":1},{"a":1}]'],
    ['a value that repeats a key', '{"a":"a","b":"a"}'],
    ['brackets, colons and quotes in strings', '{"a":"{[\\":\\\\","b":"]}"}'],
    ['a pair of surrogates', '["\\ud83d\\ude00"]'],
    ['a scalar', '12'],
  ])('accepts %s', (_, text) => expect(parse(text)).toEqual(JSON.parse(text)));
});
