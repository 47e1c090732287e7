import { expect, test } from '@jest/globals';
import { commaDecimals, type Decimals, signedInteger, signedMinorUnits } from './amount.ts';

const grouped: Decimals = { decimal: ',', thousands: '.' };

test.each([
  ['-1.234,50', 'EUR', grouped, -123450n],
  ['1.234.567,8', 'EUR', grouped, 123456780n],
  ['1.5', 'EUR', grouped, null],
  ['12.34,5', 'EUR', grouped, null],
  ['300,', 'EUR', commaDecimals, 30000n],
  ['0,00', 'EUR', commaDecimals, 0n],
  ['1,005', 'EUR', commaDecimals, null],
  ['1,5', 'JPY', commaDecimals, null],
  ['+7', 'JPY', undefined, 7n],
  ['1,000', 'EUR', undefined, null],
  ['1e3', 'EUR', undefined, null],
  ['', 'EUR', undefined, null],
  ['-', 'EUR', undefined, null],
  ['12.5', 'XXX', undefined, null],
  ['92233720368547758.07', 'EUR', undefined, 9_223_372_036_854_775_807n],
  ['-0009223372036854775807', 'JPY', undefined, -9_223_372_036_854_775_807n],
  ['92233720368547758.08', 'EUR', undefined, null],
  ['99999999999999999.99', 'EUR', undefined, null],
  ['.5', 'EUR', undefined, 50n],
  ['-,5', 'EUR', commaDecimals, -50n],
  ['.', 'EUR', undefined, null],
] as const)('%s %s is %s minor units', (text, currency, written, amount) => {
  expect(signedMinorUnits(text, currency, written)).toBe(amount);
});

test('minor units reach as far as an amount of a slip', () => {
  expect(signedInteger('-9223372036854775807')).toBe(-9_223_372_036_854_775_807n);
  for (const text of ['9223372036854775808', '-9223372036854775808', '1.0', '+1', ''])
    expect(signedInteger(text)).toBeNull();
});
