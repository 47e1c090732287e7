import { expect, test } from '@jest/globals';
import { meant } from './words.ts';

test.each<[readonly string[], readonly string[], readonly string[]]>([
  [[], [], ['a', 'b', 'c']],
  [['b', 'a'], [], ['a', 'b']],
  [[], ['b'], ['a', 'c']],
  [['a', 'b'], ['b'], ['a']],
  [['a'], ['a'], []],
])('any of %j and none of %j means %j', (any, none, expected) => {
  expect(meant({ any, none }, ['a', 'b', 'c'])).toEqual(expected);
});
