import { type Instant, instantToMs } from '@slipstream/kernel';
import type { SlipKind } from '@slipstream/slip';
import type { PaymentWord, Refusal } from './refusal.ts';
import type { Submission } from './submission.ts';

/** What the operators allow on some routes for some kinds of slip; several may be about one slip, and each must allow it. */
export interface PaymentRule {
  readonly name: string;
  /** null: all. */
  readonly routes: readonly string[] | null;
  readonly kinds: readonly SlipKind[];
  /** What `metadata.method` must be one of; null: it may be anything. */
  readonly methods: readonly string[] | null;
  readonly currencies: readonly string[] | null;
  /** In minor units by currency, both included; of one that is not named any amount. */
  readonly amountMin: ReadonlyMap<string, bigint>;
  readonly amountMax: ReadonlyMap<string, bigint>;
  /** `amount`, `deadline`, `metadata.<key>`. */
  readonly required: readonly string[];
  readonly cutOff: CutOff | null;
}

/** Slips are taken on these days from one time of day to another, in the time of a zone. */
export interface CutOff {
  /** IANA's name. */
  readonly zone: string;
  readonly days: readonly Weekday[];
  /** `HH:MM`, included. */
  readonly from: string;
  /** `HH:MM`, not included. */
  readonly until: string;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** The first rule that does not allow the submission; null: all do. */
export function brokenRule(
  submission: Submission,
  receivedAt: Instant,
  rules: readonly PaymentRule[],
): Refusal | null {
  for (const rule of rules) {
    if (!isAbout(rule, submission)) continue;
    const refusal =
      lacking(rule, submission) ??
      method(rule, submission) ??
      money(rule, submission) ??
      tooLate(rule, receivedAt);
    if (refusal) return { ...refusal, ruleName: rule.name };
  }
  return null;
}

function isAbout({ routes, kinds }: PaymentRule, { route, kind }: Submission): boolean {
  return kinds.includes(kind) && (routes === null || routes.includes(route));
}

function lacking({ required }: PaymentRule, submission: Submission): Refusal | null {
  const name = required.find((one) => !isThere(one, submission));
  if (name === undefined) return null;
  return refuse('field_required', name.replace('.', '/'), `${name} is required.`);
}

function isThere(name: string, { amount, deadline, metadata }: Submission): boolean {
  if (name === 'amount') return amount !== null;
  if (name === 'deadline') return deadline !== null;
  return (metadata[name.slice('metadata.'.length)] ?? '') !== '';
}

const methodField = 'metadata/method';

/** Nothing is guessed: a method is one of the words that are listed, to the letter. */
function method({ methods }: PaymentRule, { metadata }: Submission): Refusal | null {
  if (methods === null) return null;
  const given = metadata.method ?? '';
  const allowed = methods.join(', ');
  if (given === '') return refuse('method_missing', methodField, `Say one of the methods ${allowed}.`);
  if (methods.includes(given)) return null;
  return refuse('method_not_allowed', methodField, `The method must be exactly one of ${allowed}.`);
}

function money(rule: PaymentRule, { amount: money }: Submission): Refusal | null {
  if (money === null) return null;
  const { amount, currency } = money;
  const { currencies } = rule;
  if (currencies !== null && !currencies.includes(currency)) {
    const detail = `The currency must be one of ${currencies.join(', ')}.`;
    return refuse('currency_not_allowed', 'amount/currency', detail);
  }
  const least = rule.amountMin.get(currency);
  if (least !== undefined && amount < least)
    return refuse('amount_too_small', 'amount/amount', `The amount must be at least ${least} ${currency}.`);
  const most = rule.amountMax.get(currency);
  if (most !== undefined && amount > most)
    return refuse('amount_too_large', 'amount/amount', `The amount must be at most ${most} ${currency}.`);
  return null;
}

function tooLate({ cutOff }: PaymentRule, receivedAt: Instant): Refusal | null {
  if (cutOff === null) return null;
  const { zone, days, from, until } = cutOff;
  const { day, time } = localTime(receivedAt, zone);
  if (days.includes(day) && time >= from && time < until) return null;
  const detail = `Slips are taken from ${from} to ${until} on ${days.join(', ')}, and it is ${time} on ${day} (${zone}).`;
  return refuse('cut_off', 'kind', detail);
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** The day and the time of day (`HH:MM`) in a zone. */
function localTime(at: Instant, zone: string): { day: Weekday; time: string } {
  let clock = clocks.get(zone);
  if (!clock) {
    const shown = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    clock = new Intl.DateTimeFormat('en-US', { ...shown, timeZone: zone });
    clocks.set(zone, clock);
  }
  const parts = Object.fromEntries(
    clock.formatToParts(instantToMs(at)).map(({ type, value }) => [type, value]),
  );
  return { day: parts.weekday!.toLowerCase() as Weekday, time: `${parts.hour}:${parts.minute}` };
}

function refuse(rule: PaymentWord, field: string, detail: string): Refusal {
  return { rule, field, detail };
}
