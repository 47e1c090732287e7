import { currencyExponent } from '@slipstream/kernel';
import type { AmountView } from '../timeline/views.ts';

/** "12.50 EUR" for 1250 minor units. */
export function showAmount({ amount, currency }: AmountView): string {
  const exponent = currencyExponent(currency) ?? 0;
  if (exponent === 0) return `${amount} ${currency}`;
  const digits = amount.padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)} ${currency}`;
}
