import { type MoneyJson, moneyToJson, parseMajorUnits, parseMoney } from '@slipstream/kernel';
import type { Dialect } from './mapping.ts';

export type FoundAmount =
  | { readonly amount: MoneyJson }
  /** Zero or less: no money moved by this slip. */
  | { readonly notPositive: true }
  | { readonly problem: string };

/** An amount as the file writes it. */
export function readMoney(
  text: string,
  { unit, currency }: { unit: 'minor' | 'major'; currency: string },
  dialect: Dialect,
): FoundAmount {
  const plain = plainNumber(text, dialect);
  if (plain === null) return { problem: sayings.amount_not_integer };
  const money = ofUnit(unit, plain, currency);
  if (money.ok) return { amount: moneyToJson(money.value) };
  if (money.error !== 'amount_not_positive') return { problem: sayings[money.error] };
  // "-1.005" is no amount of less than zero, it is none at all.
  const size = ofUnit(unit, plain.replace('-', ''), currency);
  if (size.ok || size.error === 'amount_not_positive') return { notPositive: true };
  return { problem: sayings[size.error] };
}

/** A fee in minor units; in files it is written as what is given and as what is taken, so its sign is the file's. */
export function readFee(
  text: string,
  of: { unit: 'minor' | 'major'; currency: string },
  dialect: Dialect,
): { readonly fee: string } | { readonly problem: string } {
  // "--5" has a sign too many: it is no fee, and none of zero.
  if (/^[-+]{2}/.test(text)) return { problem: sayings.amount_not_integer };
  const found = readMoney(text.replace(/^[-+]/, ''), of, dialect);
  if ('problem' in found) return found;
  if ('notPositive' in found) return { fee: '0' };
  return { fee: `${text.startsWith('-') ? '-' : ''}${found.amount.amount}` };
}

function ofUnit(unit: 'minor' | 'major', text: string, currency: string) {
  if (unit === 'major') return parseMajorUnits(text, currency);
  return parseMoney(/^-?0+$/.test(text) ? '0' : text, currency);
}

const sayings = {
  amount_not_integer: 'is no amount in this unit of the currency',
  amount_not_positive: 'is not above zero',
  amount_too_large: 'is too large',
  currency_unknown: 'has an unknown currency',
} as const;

/**
 * The number with a point and no groups; null when it is written otherwise than declared: a sign in the wrong place
 * is a mistake to be told, never another amount ("1,56" is not 156, whatever separates thousands).
 */
function plainNumber(text: string, { decimal, thousands }: Dialect): string | null {
  const [, sign, whole, fraction] = /^([-+]?)(\d[\d.,' \u00A0\u202F]*?)(?:([.,]\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  const isFraction = fraction?.startsWith(decimal) ?? true;
  const digits = ungrouped(isFraction ? whole : `${whole}${fraction}`, thousands);
  if (digits === null) return null;
  const after = isFraction && fraction !== undefined ? `.${fraction.slice(1)}` : '';
  return `${sign === '-' ? '-' : ''}${digits}${after}`;
}

/** In groups of three; of two before the last, as in India. */
function ungrouped(text: string, thousands: string | null): string | null {
  if (/^\d+$/.test(text)) return text;
  if (thousands === null) return null;
  const plain = thousands === ' ' ? text.replace(/[\u00A0\u202F]/g, ' ') : text;
  const groups = plain.split(thousands);
  const [first, ...rest] = groups;
  const last = rest.pop();
  const isGrouped =
    /^\d{1,3}$/.test(first!) &&
    last !== undefined &&
    /^\d{3}$/.test(last) &&
    (rest.every((group) => /^\d{3}$/.test(group)) ||
      (first!.length <= 2 && rest.every((group) => /^\d{2}$/.test(group))));
  return isGrouped ? groups.join('') : null;
}
