import { expect, test } from '@jest/globals';
import { preferredLanguage } from './language.ts';

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['zh', 'zh'],
  ['zh-CN', 'zh'],
  ['ZH-Hans-CN', 'zh'],
  ['en;q=0.5, zh;q=0.8', 'zh'],
  ['en, zh', 'en'],
  ['fr, zh;q=0.1', 'zh'],
  ['fr', 'en'],
  ['zh;q=0, *', 'en'],
  ['zh;q=0', 'en'],
  ['zh;q=nan, en;q=0.1', 'en'],
  ['zha', 'en'],
  ['*', 'en'],
])('Accept-Language %p gets %s', (header, language) => {
  expect(preferredLanguage(header, ['en', 'zh'])).toBe(language);
});
