import { expect, test } from '@jest/globals';
import { verdictId } from './verdict-id.ts';

test('a verdict has one id for ever', () => {
  const slip = '01890a5d-ac96-774b-bcce-b302099a8057';
  const deadline = '2026-11-22T10:00:05.000000Z';
  expect(verdictId(slip, 'returned', deadline)).toBe('55006dad-e85f-5de4-99a9-f5d2513da878');
  expect(verdictId(slip, 'held', deadline)).not.toBe(verdictId(slip, 'returned', deadline));
});
