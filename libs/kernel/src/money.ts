import { currencyExponent, isCurrency } from './currency.ts';
import { err, ok, type Result } from './result.ts';

/** An amount in integer minor units of an ISO 4217 currency: 1250 EUR is twelve euro fifty. */
export interface Money {
  readonly amount: bigint;
  readonly currency: string;
}

/** Money as JSON shows it: minor units as a decimal string. */
export interface MoneyJson {
  readonly amount: string;
  readonly currency: string;
}

/** The largest amount: int64 on the wire. */
export const amountMax = 2n ** 63n - 1n;

export type MoneyProblem =
  | 'amount_not_integer'
  | 'amount_not_positive'
  | 'amount_too_large'
  | 'currency_unknown';

/** Parses a positive amount. Nothing is coerced: only a plain decimal integer without sign, space or leading zero passes. */
export function parseMoney(amount: unknown, currency: unknown): Result<Money, MoneyProblem> {
  if (typeof currency !== 'string' || !isCurrency(currency)) return err('currency_unknown');
  if (typeof amount !== 'string') return err('amount_not_integer');
  if (amount === '0' || /^-[0-9]{1,30}$/.test(amount)) return err('amount_not_positive');
  if (!/^[1-9][0-9]*$/.test(amount)) return err('amount_not_integer');
  if (amount.length > 19 || BigInt(amount) > amountMax) return err('amount_too_large');
  return ok({ amount: BigInt(amount), currency });
}

/** Parses a decimal in major units ("12.5" EUR is 1250); digits beyond the currency's exponent are refused. */
export function parseMajorUnits(text: string, currency: string): Result<Money, MoneyProblem> {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) return err('currency_unknown');
  const match = /^(-?)([0-9]{1,19})(?:\.([0-9]{1,6}))?$/.exec(text);
  if (!match) return err('amount_not_integer');
  if (match[1] === '-') return err('amount_not_positive');
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  if (fraction.length > exponent) return err('amount_not_integer');
  const digits = `${match[2]}${fraction.padEnd(exponent, '0')}`.replace(/^0+(?=.)/, '');
  return parseMoney(digits, currency);
}

export function moneyToJson(money: Money): MoneyJson {
  return { amount: money.amount.toString(), currency: money.currency };
}

/** As people write it: "12.50 EUR" for 1250 minor units, with the decimals of the currency and the sign of the amount. */
export function shownAmount(amount: bigint, currency: string): string {
  const exponent = currencyExponent(currency) ?? 0;
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(exponent + 1, '0');
  const split = digits.length - exponent;
  return `${sign}${digits.slice(0, split)}${exponent > 0 ? `.${digits.slice(split)}` : ''} ${currency}`;
}

export function sameMoney(a: Money | null, b: Money | null): boolean {
  return a === null || b === null ? a === b : a.amount === b.amount && a.currency === b.currency;
}

/**
 * Sums by currency, in its order, as events tell them of many slips: a sum that is larger than any amount can be is told as
 * {@link amountMax}. The books add up otherwise: nothing of theirs may be cut.
 */
export function toldSums(money: Iterable<Money>): Money[] {
  const sums = new Map<string, bigint>();
  for (const { amount, currency } of money) sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, sum]) => ({ amount: sum > amountMax ? amountMax : sum, currency }));
}
