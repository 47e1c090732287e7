import { expect, it } from '@jest/globals';
import { storableText } from './text.ts';

it('replaces what PostgreSQL cannot hold, and nothing else', () => {
  expect(storableText('a\0b \ud800 \udc00 \u{1F600} ü')).toBe('a\uFFFDb \uFFFD \uFFFD \u{1F600} ü');
});
