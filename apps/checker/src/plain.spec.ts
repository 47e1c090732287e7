import { expect, test } from '@jest/globals';
import { plain } from './plain.ts';

test('what a record is named by does nothing to a terminal', () => {
  expect(plain('parked \u001b[2J\u202e\nok 汇款')).toBe('parked \\u001b[2J\\u202e\\u000aok 汇款');
});
