import { describe, expect, it } from '@jest/globals';
import { concatenated, plainArray, textArray } from './arrays.ts';

describe('array literals', () => {
  it.each<[(string | null)[], string]>([
    [[], '{}'],
    [['a', null, 'b-1:c/d.e_f'], '{a,NULL,b-1:c/d.e_f}'],
    [['', 'NULL', 'null', 'nullable'], '{"","NULL","null",nullable}'],
    [
      ['a,b', '{x}', 'say "hi"', 'back\\slash', ' ', 'é\n'],
      '{"a,b","{x}","say \\"hi\\"","back\\\\slash"," ","é\n"}',
    ],
  ])('%j', (values, literal) => {
    expect(textArray(values)).toBe(literal);
  });

  it('keeps every digit of an amount', () => {
    expect(plainArray([2n ** 63n - 1n, -5n, null, 7, true])).toBe('{9223372036854775807,-5,NULL,7,true}');
  });

  it('tells where each of the concatenated parts lies', () => {
    const parts = [Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')];
    expect(concatenated(parts)).toEqual({
      bytes: Buffer.from('onethree'),
      starts: '{1,4,4}',
      lengths: '{3,0,5}',
    });
  });
});
