import { expect, test } from '@jest/globals';
import { versionInTag, versionTag } from './version-tag.ts';

test('a tag names its version, of each variant by another tag', () => {
  expect([versionTag(7), versionTag(7, 'zh')]).toEqual(['"7"', '"7-zh"']);
  expect(versionTag(7, null, '0a1b')).toBe('"7-0a1b"');
  for (const tag of [versionTag(7), versionTag(7, 'zh'), versionTag(7, 'zh', '0a1b')])
    expect(versionInTag(tag)).toBe(7);
});

test.each(['7', 'W/"7"', '"7" , "8"', '"-zh"', '"7-"', '"7-Z1"', '"1234567890"', '"07"', '"007-zh"', ''])(
  '%p is none',
  (tag) => {
    expect(versionInTag(tag)).toBeNull();
  },
);
