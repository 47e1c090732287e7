import type { Money } from '@slipstream/kernel';

/** An object with a money field `amount` (perhaps one level down) in a form that JSON can hold: amounts as text. */
export function toJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? item.toString() : item)));
}

/** Reads back what {@link toJson} made: an object of exactly `amount` and `currency` is money. */
export function fromJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isMoney(value)) return { amount: BigInt(value.amount), currency: value.currency } satisfies Money;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
}

function isMoney(value: object): value is { amount: string; currency: string } {
  return 'amount' in value && 'currency' in value && Object.keys(value).length === 2;
}
