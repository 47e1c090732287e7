import { shownAmount } from '@slipstream/kernel';
import type { AmountView } from '../timeline/views.ts';

/** "12.50 EUR" for 1250 minor units. */
export function showAmount({ amount, currency }: AmountView): string {
  return shownAmount(BigInt(amount), currency);
}
