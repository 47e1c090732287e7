import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  currencyExponent,
  moneyToJson,
  parseMajorUnits,
  parseMoney,
  sameMoney,
  shownAmount,
  toldSums,
} from './index.ts';
import { amountMax } from './money.ts';

const currency = fc.constantFrom('EUR', 'JPY', 'BHD', 'BRL');
const amount = fc.bigInt({ min: 1n, max: amountMax });

describe('parseMoney', () => {
  it.each([
    ['1', 1n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 2n ** 63n - 1n],
  ])('takes %s as it is', (text, value) => {
    expect(parseMoney(text, 'EUR')).toEqual({ ok: true, value: { amount: value, currency: 'EUR' } });
  });

  it.each([
    ['0', 'amount_not_positive'],
    ['-1', 'amount_not_positive'],
    ['-0', 'amount_not_positive'],
    ['00', 'amount_not_integer'],
    ['01', 'amount_not_integer'],
    ['+1', 'amount_not_integer'],
    ['1e3', 'amount_not_integer'],
    ['1.005', 'amount_not_integer'],
    ['1.0', 'amount_not_integer'],
    ['1,000', 'amount_not_integer'],
    ['1_000', 'amount_not_integer'],
    ['١٢', 'amount_not_integer'],
    ['１２', 'amount_not_integer'],
    ['NaN', 'amount_not_integer'],
    ['Infinity', 'amount_not_integer'],
    ['', 'amount_not_integer'],
    ['10 ', 'amount_not_integer'],
    [' 10', 'amount_not_integer'],
    ['10\n', 'amount_not_integer'],
    ['10\u0000', 'amount_not_integer'],
    ['0x10', 'amount_not_integer'],
    ['10n', 'amount_not_integer'],
    ['9223372036854775808', 'amount_too_large'],
    ['9'.repeat(400), 'amount_too_large'],
    [10, 'amount_not_integer'],
    [0, 'amount_not_integer'],
    [-1, 'amount_not_integer'],
    [1.005, 'amount_not_integer'],
    [Number.NaN, 'amount_not_integer'],
    [10n, 'amount_not_integer'],
    [true, 'amount_not_integer'],
    [[10], 'amount_not_integer'],
    [['10'], 'amount_not_integer'],
    [{ toString: () => '10' }, 'amount_not_integer'],
    [null, 'amount_not_integer'],
    [undefined, 'amount_not_integer'],
  ])('refuses the amount %p: %s', (bad, problem) => {
    expect(parseMoney(bad, 'EUR')).toEqual({ ok: false, error: problem });
  });

  it.each([
    'eur',
    'XXX',
    'XTS',
    'XAU',
    '',
    'EURO',
    'EU',
    'EUR ',
    'constructor',
    null,
    undefined,
    978,
    ['EUR'],
  ])('refuses the currency %p', (bad) => {
    expect(parseMoney('10', bad)).toEqual({ ok: false, error: 'currency_unknown' });
  });

  it('takes back what it wrote, and coerces nothing', () => {
    fc.assert(
      fc.property(amount, currency, (value, code) => {
        const json = moneyToJson({ amount: value, currency: code });
        expect(parseMoney(json.amount, json.currency)).toEqual({
          ok: true,
          value: { amount: value, currency: code },
        });
      }),
    );
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const parsed = parseMoney(value, 'EUR');
        expect(!parsed.ok || parsed.value.amount.toString() === value).toBe(true);
      }),
    );
  });
});

describe('toldSums', () => {
  it('adds up by currency, and tells what no amount can be as the largest that one can', () => {
    const [eur, jpy] = [
      { amount: 1250n, currency: 'EUR' },
      { amount: amountMax, currency: 'JPY' },
    ];
    expect(toldSums([jpy, eur, eur])).toEqual([{ amount: 2500n, currency: 'EUR' }, jpy]);
    expect(toldSums([jpy, jpy])).toEqual([jpy]);
    expect(toldSums([])).toEqual([]);
  });
});

describe('parseMajorUnits', () => {
  it.each([
    ['12.5', 'EUR', 1250n],
    ['12.50', 'EUR', 1250n],
    ['12.500000', 'EUR', 1250n],
    ['0.01', 'EUR', 1n],
    ['007', 'JPY', 7n],
    ['7.00', 'JPY', 7n],
    ['1.005', 'BHD', 1005n],
    ['92233720368547758.07', 'EUR', amountMax],
  ])('reads %s %s', (text, code, value) => {
    expect(parseMajorUnits(text, code)).toEqual({ ok: true, value: { amount: value, currency: code } });
  });

  it.each([
    ['1.005', 'EUR', 'amount_not_integer'],
    ['1.5', 'JPY', 'amount_not_integer'],
    ['1.0005', 'BHD', 'amount_not_integer'],
    ['1.', 'EUR', 'amount_not_integer'],
    ['.5', 'EUR', 'amount_not_integer'],
    ['1e3', 'EUR', 'amount_not_integer'],
    ['1,5', 'EUR', 'amount_not_integer'],
    ['', 'EUR', 'amount_not_integer'],
    ['0', 'EUR', 'amount_not_positive'],
    ['0.00', 'EUR', 'amount_not_positive'],
    ['-1.50', 'EUR', 'amount_not_positive'],
    ['92233720368547758.08', 'EUR', 'amount_too_large'],
    ['9223372036854775807', 'EUR', 'amount_too_large'],
    ['1', 'XXX', 'currency_unknown'],
  ])('refuses %s %s: %s', (text, code, problem) => {
    expect(parseMajorUnits(text, code)).toEqual({ ok: false, error: problem });
  });

  it('agrees with minor units for every currency', () => {
    fc.assert(
      fc.property(amount, currency, (value, code) => {
        const exponent = currencyExponent(code) ?? 0;
        const digits = value.toString().padStart(exponent + 1, '0');
        const split = digits.length - exponent;
        const text = exponent === 0 ? digits : `${digits.slice(0, split)}.${digits.slice(split)}`;
        expect(parseMajorUnits(text, code)).toEqual(parseMoney(value.toString(), code));
      }),
    );
  });
});

describe('shownAmount', () => {
  it.each([
    [-5n, 'EUR', '-0.05 EUR'],
    [123450n, 'EUR', '1234.50 EUR'],
    [-7n, 'JPY', '-7 JPY'],
    [1n, 'BHD', '0.001 BHD'],
    [0n, 'EUR', '0.00 EUR'],
  ])('shows %s %s with the decimals of its currency: %s', (amount, currency, shown) => {
    expect(shownAmount(amount, currency)).toBe(shown);
  });
});

describe('sameMoney', () => {
  it('compares amount and currency, and takes nothing for nothing', () => {
    const euro = { amount: 1n, currency: 'EUR' };
    expect(sameMoney(euro, { ...euro })).toBe(true);
    expect(sameMoney(euro, { amount: 2n, currency: 'EUR' })).toBe(false);
    expect(sameMoney(euro, { amount: 1n, currency: 'USD' })).toBe(false);
    expect(sameMoney(euro, null)).toBe(false);
    expect(sameMoney(null, null)).toBe(true);
  });
});
