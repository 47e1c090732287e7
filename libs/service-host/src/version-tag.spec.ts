import { expect, test } from '@jest/globals';
import { versionInTag, versionTag } from './version-tag.ts';

test('a tag names its version, in each language by another tag', () => {
  expect([versionTag(7), versionTag(7, 'zh')]).toEqual(['"7"', '"7-zh"']);
  for (const tag of [versionTag(7), versionTag(7, 'zh')]) expect(versionInTag(tag)).toBe(7);
});

test.each(['7', 'W/"7"', '"7" , "8"', '"-zh"', '"7-"', '"7-z1"', '"1234567890"', '"07"', '"007-zh"', ''])(
  '%p is none',
  (tag) => {
    expect(versionInTag(tag)).toBeNull();
  },
);
