import { describe, expect, it } from '@jest/globals';
import { readFee, readMoney } from './amounts.ts';
import type { Dialect } from './mapping.ts';

function dialect(decimal: '.' | ',', thousands: string | null): Dialect {
  return { delimiter: ',', encoding: 'utf-8', empty: new Set(), decimal, thousands };
}
const euros = { unit: 'major', currency: 'EUR' } as const;

describe('an amount as the file writes it', () => {
  it.each([
    ['1560.00', '.', null, '156000'],
    ['1,560.00', '.', ',', '156000'],
    ['3.100,55', ',', '.', '310055'],
    ['12 345 678,9', ',', ' ', '1234567890'],
    ['12\u202F345,90', ',', ' ', '1234590'],
    ["1'234.50", '.', "'", '123450'],
    ['12,34,567.00', '.', ',', '123456700'],
    ['+7,5', ',', null, '750'],
    ['1.560', ',', '.', '156000'],
  ] as const)('%p with %p and %p is %s', (text, decimal, thousands, amount) => {
    expect(readMoney(text, euros, dialect(decimal, thousands))).toEqual({
      amount: { amount, currency: 'EUR' },
    });
  });

  it.each([
    ['1,56', '.', ','],
    ['1,560.00', '.', null],
    ['3.100,55', '.', ','],
    ['1.00', ',', '.'],
    ['1,2345.00', '.', ','],
    ['1.005', '.', null],
    ['(5.00)', '.', null],
    ['5-', '.', null],
    ['', '.', null],
    ['-1.005', '.', null],
  ] as const)('%p with %p and %p is none', (text, decimal, thousands) => {
    expect(readMoney(text, euros, dialect(decimal, thousands))).toMatchObject({
      problem: expect.stringContaining('is no amount'),
    });
  });

  it.each(['0', '0.00', '-12.50', '-0'])('%p is no money', (text) => {
    expect(readMoney(text, euros, dialect('.', null))).toEqual({ notPositive: true });
  });

  it('has a fee with the sign of the file, in minor units', () => {
    expect(readFee('-68,94', euros, dialect(',', null))).toEqual({ fee: '-6894' });
    expect(readFee('0.00', euros, dialect('.', null))).toEqual({ fee: '0' });
    expect(readFee('--5', euros, dialect('.', null))).toMatchObject({ problem: expect.any(String) });
    expect(readFee('x', euros, dialect('.', null))).toMatchObject({ problem: expect.any(String) });
  });
});
