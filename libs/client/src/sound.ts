import type { ReportResult, SubmitSlip } from '@slipstream/contracts';
import {
  type FieldProblem,
  foreignTextProblem,
  type Instant,
  isTraceContext,
  type Money,
  nameProblem,
  SlipstreamError,
  wallClock,
} from '@slipstream/kernel';
import {
  accountProblem,
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataProblem,
  type Outcome,
} from '@slipstream/slip';
import type { CommandOptions } from './inbound-record.ts';
import { isPlain } from './plain.ts';
import { noTime, type Time, toInstant } from './time.ts';

type Timed<T> = Omit<T, 'time'> & {
  /** The caller's own time; on another clock than `wall` it counts as the time of receipt. */
  readonly time?: Time;
};

/** A wish for a slip; what may be left out is as over HTTP. */
export type SubmitCommand = Timed<CommandOptions> &
  Pick<SubmitSlip, 'reference' | 'kind' | 'account' | 'counterparty'> &
  Partial<Pick<SubmitSlip, 'amount' | 'route' | 'metadata'>> & {
    /** null: the route's policy decides. */
    readonly deadline?: Time | null;
  };

/** What a provider answered; what it did not say may be left out. */
export type ReportCommand = Timed<CommandOptions> &
  Pick<ReportResult, 'reference' | 'step'> &
  Partial<Omit<ReportResult, 'reference' | 'step' | 'providerTime'>> & {
    readonly providerTime?: Time | null;
  };

/** @throws SlipstreamError validation_failed with every field that intake would refuse */
export function soundSubmission(command: SubmitCommand): SubmitSlip & CommandOptions {
  const { deadline = null, time, ...given } = saidOf(command);
  const slip = { amount: null, route: 'default', metadata: {}, ...given };
  const problems = new Problems();
  const { amount } = slip;
  problems.unknown(command, submitted);
  problems.add('/reference', nameProblem(slip.reference));
  problems.add('/kind', kindProblem(slip.kind));
  problems.add('/account', accountProblem(slip.account));
  problems.add('/counterparty', accountProblem(slip.counterparty));
  if (problems.isMoney('/amount', amount)) {
    problems.add('/amount/amount', wholeProblem(amount.amount) ?? amountProblem(`${amount.amount}`));
    problems.add('/amount/currency', currencyProblem(amount.currency));
  }
  problems.add('/route', nameProblem(slip.route));
  problems.add('/metadata', isPlain(slip.metadata) ? metadataProblem(slip.metadata) : 'must be an object');
  if (slip.id !== undefined) problems.add('/id', nameProblem(slip.id));
  problems.add('/traceparent', traceProblem(slip.traceparent));
  const times = {
    deadline: deadline === null ? null : problems.time('/deadline', deadline),
    ...(time !== undefined && { time: problems.time('/time', time) }),
  };
  problems.clock(slip.clock, time);
  problems.refuse(slip.reference);
  return { ...slip, ...times };
}

/** @throws SlipstreamError validation_failed with every field that the gateway would refuse */
export function soundReport(command: ReportCommand): ReportResult & CommandOptions {
  const { providerTime = null, time, ...given } = saidOf(command);
  const report = { ...unsaid, ...given };
  const { id, step, outcome, progress, amount, fee } = report;
  const problems = new Problems();
  problems.unknown(command, reported);
  problems.add('/reference', nameProblem(report.reference));
  problems.add('/step', oneOf(steps, step));
  if ((outcome !== null) !== (step === 'returned')) {
    problems.add('/outcome', 'must be there when the step is returned, and only then');
  } else if (outcome !== null) problems.add('/outcome', oneOf(outcomes, outcome));
  if (step === 'progressed' && progress === '') problems.add('/progress', 'must name the step');
  else problems.add('/progress', foreignTextProblem(progress));
  for (const field of ['reason', 'providerReference'] as const) {
    problems.add(`/${field}`, foreignTextProblem(report[field] ?? ''));
  }
  if (problems.isMoney('/amount', amount)) problems.reported('/amount', amount);
  if (problems.isMoney('/fee', fee)) problems.reported('/fee', fee);
  problems.add('/traceparent', traceProblem(report.traceparent));
  if (id !== undefined) problems.add('/id', id === '' ? 'must not be empty' : foreignTextProblem(id));
  const times = {
    providerTime: providerTime === null ? null : problems.time('/providerTime', providerTime),
    ...(time !== undefined && { time: problems.time('/time', time) }),
  };
  problems.clock(report.clock, time);
  problems.refuse(report.reference);
  return { ...report, ...times };
}

const options = ['id', 'clock', 'time', 'traceparent'];
const submitted: ReadonlySet<string> = new Set([
  ...['reference', 'kind', 'account', 'counterparty', 'amount', 'route', 'deadline', 'metadata'],
  ...options,
]);
const reported: ReadonlySet<string> = new Set([
  ...[
    'reference',
    'step',
    'outcome',
    'progress',
    'reason',
    'amount',
    'fee',
    'providerReference',
    'providerTime',
  ],
  ...options,
]);

const moneyFields: ReadonlySet<string> = new Set(['amount', 'currency']);

const unsaid = { outcome: null, progress: '', reason: null, amount: null, providerReference: null };
const steps: readonly ReportResult['step'][] = ['acknowledged', 'progressed', 'returned'];
const outcomes: readonly Outcome[] = ['succeeded', 'failed', 'void'];

function oneOf(known: readonly string[], value: string): string | null {
  return known.includes(value) ? null : `must be one of ${known.join(', ')}`;
}

/** What is `undefined` is not said. Programs in plain JavaScript hand over anything. */
export function saidOf<T extends object>(command: T): T {
  if (typeof command !== 'object' || command === null || Array.isArray(command))
    throw new SlipstreamError('validation_failed', 'a command that is no object is not sent', {
      errors: [{ pointer: '', detail: 'must be an object' }],
    });
  return Object.fromEntries(Object.entries(command).filter(([, value]) => value !== undefined)) as T;
}

function traceProblem(traceparent: string | undefined): string | null {
  const isNone = traceparent === undefined || traceparent === '';
  return isNone || isTraceContext(traceparent) ? null : 'must be a traceparent by W3C Trace Context';
}

const shownMax = 40;

/** A text that may be anything, in a message that may end in a log. */
function shown(text: unknown): string {
  if (typeof text !== 'string') return 'no reference';
  return nameProblem(text) === null ? text : JSON.stringify(text.slice(0, shownMax).toWellFormed());
}

/** What an int64 holds. */
const amountMax = 2n ** 63n - 1n;

function wholeProblem(amount: unknown): string | null {
  if (typeof amount === 'bigint') return null;
  return 'must be a bigint of minor units: 1250n is 12.50 EUR or 1250 JPY';
}

class Problems {
  readonly #problems: FieldProblem[] = [];

  add(pointer: string, detail: string | null): void {
    if (detail !== null) this.#problems.push({ pointer, detail });
  }

  /** A mistyped name would be left out in silence, and the route's policy decide instead of a deadline that was meant. */
  unknown(of: object, known: ReadonlySet<string>, pointer = '', what = 'this command'): void {
    for (const [name, value] of Object.entries(of))
      if (!known.has(name) && value !== undefined)
        this.add(`${pointer}/${shown(name)}`, `is no field of ${what}`);
  }

  /** Whether there is an amount at all; what is neither that nor null is told. */
  isMoney(pointer: string, money: Money | null | undefined): money is Money {
    if (money === null || money === undefined) return false;
    if (!isPlain(money)) this.add(pointer, 'must be an amount and a currency, or null');
    else this.unknown(money, moneyFields, pointer, 'an amount');
    return isPlain(money);
  }

  /** A time as it is written everywhere in Slipstream. */
  time(pointer: string, time: Time): Instant {
    const instant = toInstant(time);
    if (instant === null) this.add(pointer, noTime);
    return instant ?? '';
  }

  /** An amount that somebody else said: its currency may be one that nobody knows. */
  reported(pointer: string, { amount, currency }: Money): void {
    const outside =
      amount < 0n ? 'must not be negative' : amount > amountMax ? `must be at most ${amountMax}` : null;
    this.add(`${pointer}/amount`, wholeProblem(amount) ?? outside);
    this.add(`${pointer}/currency`, foreignTextProblem(currency));
  }

  /** On a clock of its own, nobody else can say when a command was received. */
  clock(clock: string | undefined, time: Time | undefined): void {
    if (clock === undefined) return;
    this.add('/clock', nameProblem(clock));
    if (clock !== wallClock && time === undefined) {
      this.add('/time', 'must be there on another clock than the wall');
    }
  }

  refuse(reference: unknown): void {
    if (this.#problems.length === 0) return;
    const told = this.#problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ');
    throw new SlipstreamError(
      'validation_failed',
      `the command about ${shown(reference)} is not sent: ${told}`,
      {
        errors: this.#problems,
      },
    );
  }
}
