import { addMs, type Instant, instantToMs } from '@slipstream/kernel';
import type { Day } from './statement.ts';

/** The order of the parts of a date in a file, and what stands between them. */
export type DateForm = 'YYYY-MM-DD' | 'YYYYMMDD' | 'DD.MM.YYYY' | 'DD/MM/YYYY' | 'MM/DD/YYYY';
export const dateForms = ['YYYY-MM-DD', 'YYYYMMDD', 'DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY'] as const;

const patterns: Readonly<Record<DateForm, RegExp>> = {
  'YYYY-MM-DD': /^(?<y>\d{4})-(?<m>\d{2})-(?<d>\d{2})(?!\d)/,
  // A time may follow at once: hours and minutes, seconds, and parts of them.
  YYYYMMDD: /^(?<y>\d{4})(?<m>\d{2})(?<d>\d{2})(?=\D|$|\d{4}(?:\D|$|\d{2}))/,
  'DD.MM.YYYY': /^(?<d>\d{1,2})\.(?<m>\d{1,2})\.(?<y>\d{4})(?!\d)/,
  'DD/MM/YYYY': /^(?<d>\d{1,2})\/(?<m>\d{1,2})\/(?<y>\d{4})(?!\d)/,
  'MM/DD/YYYY': /^(?<m>\d{1,2})\/(?<d>\d{1,2})\/(?<y>\d{4})(?!\d)/,
};

/** The day that a text begins with; null: it is none. What stands behind it (a time) is left alone. */
export function readDay(text: string, form: DateForm = 'YYYY-MM-DD'): Day | null {
  const match = patterns[form].exec(text.trim());
  if (match === null) return null;
  const { y, m, d } = match.groups as { y: string; m: string; d: string };
  return dayOf(Number(y), Number(m), Number(d));
}

/** No provider has booked anything before; and further back there are days that no database and no sum of days can hold. */
const yearMin = 1900;

/** Null where the calendar has no such day, or nothing can have been booked on it. */
export function dayOf(year: number, month: number, day: number): Day | null {
  if (year < yearMin || month < 1 || month > 12 || day < 1 || day > lastDay(year, month)) return null;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
}

/** Banks count interest in months of thirty days: their 29th and 30th of February are its last one. */
export function bankDay(year: number, month: number, day: number): Day | null {
  const isBankDay = month === 2 && (day === 29 || day === 30);
  return dayOf(year, month, isBankDay ? Math.min(day, lastDay(year, month)) : day);
}

function lastDay(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

const two = (n: number) => String(n).padStart(2, '0');

const dayMs = 86_400_000;

/** Days from one to another; less than zero where `to` comes first. */
export function daysBetween(from: Day, to: Day): number {
  return (instantToMs(beginOf(to)) - instantToMs(beginOf(from))) / dayMs;
}

export function plusDays(day: Day, days: number): Day {
  return addMs(beginOf(day), days * dayMs).slice(0, 10);
}

const beginOf = (day: Day): Instant => `${day}T00:00:00.000000Z`;
