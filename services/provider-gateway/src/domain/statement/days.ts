import { addMs, type Instant, instantToMs } from '@slipstream/kernel';

/** When a provider's statement of a day is whole. */
export interface DayTerms {
  /** Whose days they are (IANA). */
  readonly zone: string;
  /** The time of day (`HH:MM`) there, on the day after. */
  readonly availableAt: string;
}

/** After a longer pause the days before are left to people. */
export const daysMax = 31;

/**
 * The days (`YYYY-MM-DD` in the zone) whose statements are whole and not known of, the oldest first.
 * @param known the latest day that is known of; null: none, and only the last whole one is read
 */
export function daysToRead(now: Instant, { zone, availableAt }: DayTerms, known: string | null): string[] {
  const { day, time } = localTime(now, zone);
  const last = plusDays(day, time >= availableAt ? -1 : -2);
  const days: string[] = [];
  for (let one = last; days.length < daysMax && (known === null || one > known); one = plusDays(one, -1)) {
    days.unshift(one);
    if (known === null) break;
  }
  return days;
}

function localTime(at: Instant, zone: string): { readonly day: string; readonly time: string } {
  const clock = new Intl.DateTimeFormat('en-US', {
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
    ...{ hourCycle: 'h23', timeZone: zone },
  });
  const parts = Object.fromEntries(
    clock.formatToParts(instantToMs(at)).map(({ type, value }) => [type, value]),
  );
  return {
    day: `${parts.year}-${parts.month}-${parts.day}`,
    time: `${parts.hour}:${parts.minute}`,
  };
}

const dayMs = 86_400_000;

function plusDays(day: string, days: number): string {
  return addMs(`${day}T00:00:00.000000Z`, days * dayMs).slice(0, 10);
}
