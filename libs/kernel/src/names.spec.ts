import { describe, expect, test } from '@jest/globals';
import { nameProblem } from './names.ts';

describe('a name', () => {
  test.each([
    'a',
    'ord-1001',
    'Kunde 42',
    'naïve',
    '日本',
    '😀',
    '../etc',
    "o'neil",
    'x'.repeat(128),
    '😀'.repeat(128),
    'I\u2764\ufe0fshop',
    '한글',
  ])('%j is taken as it is', (name) => expect(nameProblem(name)).toBeNull());
  test.each([
    ['', 'must not be empty'],
    ['x'.repeat(129), 'at most 128'],
    ['x'.repeat(100_000), 'at most 128'],
    [' a', 'visible'],
    ['a ', 'visible'],
    ['a\tb', 'visible'],
    ['a\nb', 'visible'],
    ['a\u0000', 'visible'],
    ['a\u007f', 'visible'],
    ['zero\u200bwidth', 'visible'],
    ['\u202eright-to-left', 'visible'],
    ['hard\u00a0space', 'visible'],
    ['\u3164', 'visible'],
    ['cust-42\u3164', 'visible'],
    ['filler\u115f', 'visible'],
    ['filler\u1160', 'visible'],
    ['filler\uffa0', 'visible'],
    ['grapheme\u034fjoiner', 'visible'],
    ['Braille\u2800blank', 'visible'],
    ['soft\u00adhyphen', 'visible'],
    ['\ufe0f', 'visible'],
    ['\u{e0041}', 'visible'],
    ['\ud800', 'visible'],
    ['nai\u0308ve', 'normalization form C'],
    [17, 'must be a string'],
    [null, 'must be a string'],
    [undefined, 'must be a string'],
    [['a'], 'must be a string'],
    [new String('a'), 'must be a string'],
  ])('%j is refused', (name, problem) => expect(nameProblem(name)).toContain(problem));

  test('of spaces between visible characters is checked in linear time', () => {
    expect(nameProblem(`a${' '.repeat(126)}b`)).toBeNull();
    expect(nameProblem(`a${' '.repeat(127)}`)).not.toBeNull();
  });
});
