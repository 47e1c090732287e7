import { currencyExponent } from '@slipstream/kernel';

/** How decimals are written in a file. */
export interface Decimals {
  readonly decimal: '.' | ',';
  /** Between groups of three digits, where the file says so; null: nothing may stand there. */
  readonly thousands: '.' | ',' | ' ' | "'" | null;
}

export const plainDecimals: Decimals = { decimal: '.', thousands: null };
export const commaDecimals: Decimals = { decimal: ',', thousands: null };

/** The largest amount that a slip can have. */
const amountMax = 2n ** 63n - 1n;
const digitsMax = 19;

/** Spaces that do not break and apostrophes that bend, for those that can be declared; and a minus that is no hyphen. */
function plainSigns(text: string): string {
  return text
    .replace(/[\u00a0\u2009\u202f]/g, ' ')
    .replaceAll('\u2019', "'")
    .replaceAll('\u2212', '-')
    .trim();
}

/** Minor units of a decimal with or without a sign, in front or, as some banks write it, behind; zero is an amount here. Null: it is none, or has more decimals than the currency. */
export function signedMinorUnits(text: string, currency: string, written = plainDecimals): bigint | null {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) return null;
  const match = /^([+-]?)(.+?)(-?)$/.exec(plainSigns(text));
  if (match === null || (match[1] !== '' && match[3] !== '')) return null;
  const [whole = '', fraction = '', ...more] = match[2]!.split(written.decimal);
  // XML's decimals, and some people's, leave out the zero in front.
  const digits = whole === '' && fraction !== '' ? '0' : ungrouped(whole, written.thousands);
  if (digits === null || more.length > 0 || !/^[0-9]*$/.test(fraction)) return null;
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > exponent || digits.replace(/^0+/, '').length > digitsMax) return null;
  const amount = BigInt(digits + kept.padEnd(exponent, '0'));
  if (amount > amountMax) return null;
  return match[1] === '-' || match[3] === '-' ? -amount : amount;
}

/** "1,058" only where every group has three digits: "1,5" with a comma for thousands is no fifteen. */
function ungrouped(whole: string, separator: Decimals['thousands']): string | null {
  if (separator === null || !whole.includes(separator)) return /^[0-9]+$/.test(whole) ? whole : null;
  const [first = '', ...groups] = whole.split(separator);
  if (!/^[0-9]{1,3}$/.test(first) || !groups.every((group) => /^[0-9]{3}$/.test(group))) return null;
  return first + groups.join('');
}

/** Minor units written as such, with or without a sign. */
export function signedInteger(text: string): bigint | null {
  if (!/^-?[0-9]{1,19}$/.test(text)) return null;
  const amount = BigInt(text);
  return amount <= amountMax && -amount <= amountMax ? amount : null;
}
