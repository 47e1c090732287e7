import { describe, expect, it } from '@jest/globals';
import { currencyExponent, isCurrency } from './index.ts';

describe('currencies', () => {
  it.each([
    ['EUR', 2],
    ['USD', 2],
    ['JPY', 0],
    ['KRW', 0],
    ['ISK', 0],
    ['BHD', 3],
    ['TND', 3],
  ])('%s has %i decimals', (code, exponent) => {
    expect(isCurrency(code)).toBe(true);
    expect(currencyExponent(code)).toBe(exponent);
  });

  it.each([
    'eur',
    'XXX',
    'XTS',
    'XAU',
    'XDR',
    'CHE',
    'DEM',
    'HRK',
    '',
    ' EUR',
    'EURO',
    '__proto__',
    'toString',
  ])('%p is none', (code) => {
    expect(isCurrency(code)).toBe(false);
    expect(currencyExponent(code)).toBeUndefined();
  });
});
