import { expect, test } from '@jest/globals';
import { commaDecimals, type Decimals, signedMinorUnits } from './amount.ts';

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
  ['99999999999999999.99', 'EUR', undefined, null],
] as const)('%s %s is %s minor units', (text, currency, written, amount) => {
  expect(signedMinorUnits(text, currency, written)).toBe(amount);
});
