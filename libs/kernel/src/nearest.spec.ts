import { expect, it } from '@jest/globals';
import { nearest } from './nearest.ts';

const words = ['settled', 'submitted', 'open', 'order', 'system', 'ledger'];

it.each([
  ['setled', 'settled'],
  ['SETTELD', 'settled'],
  ['opne', 'open'],
  ['ordr', 'order'],
  ['sistem', 'system'],
  ['legder', 'ledger'],
  ['open', 'open'],
  ['nope', null],
  ['', null],
  ['x', null],
  ['settled'.repeat(20), null],
])('%j was probably to be %j', (told, meant) => expect(nearest(told, words)).toBe(meant));

it('is nothing where there is nothing, and the first of equally near ones', () => {
  expect(nearest('open', [])).toBeNull();
  expect(nearest('cat', ['bat', 'hat'])).toBe('bat');
});
