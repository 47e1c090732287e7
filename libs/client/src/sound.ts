import type { ReportResult, SubmitSlip } from '@slipstream/contracts';
import { type FieldProblem, type Instant, nameProblem, SlipstreamError } from '@slipstream/kernel';
import {
  accountProblem,
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataProblem,
} from '@slipstream/slip';
import type { CommandOptions } from './inbound-record.ts';
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

export type ReportCommand = Timed<CommandOptions> &
  Omit<ReportResult, 'providerTime'> & { readonly providerTime: Time | null };

/** @throws SlipstreamError validation_failed with every field that intake would refuse */
export function soundSubmission(command: SubmitCommand): SubmitSlip & CommandOptions {
  const { deadline = null, time, ...given } = command;
  const slip = { amount: null, route: 'default', metadata: {}, ...given };
  const problems = new Problems();
  const { amount } = slip;
  problems.add('/reference', nameProblem(slip.reference));
  problems.add('/kind', kindProblem(slip.kind));
  problems.add('/account', accountProblem(slip.account));
  problems.add('/counterparty', accountProblem(slip.counterparty));
  if (amount) {
    const isWhole = typeof amount.amount === 'bigint';
    const notWhole = 'must be a bigint of minor units: 1250n is 12.50 EUR or 1250 JPY';
    problems.add('/amount/amount', isWhole ? amountProblem(amount.amount.toString()) : notWhole);
    problems.add('/amount/currency', currencyProblem(amount.currency));
  }
  problems.add('/route', nameProblem(slip.route));
  problems.add('/metadata', metadataProblem(slip.metadata));
  const times = {
    deadline: deadline === null ? null : problems.time('/deadline', deadline),
    ...(time !== undefined && { time: problems.time('/time', time) }),
  };
  problems.refuse(slip.reference);
  return { ...slip, ...times };
}

/** @throws SlipstreamError validation_failed */
export function soundReport(command: ReportCommand): ReportResult & CommandOptions {
  const { providerTime, time, ...given } = command;
  const problems = new Problems();
  problems.add('/reference', nameProblem(given.reference));
  const hasOutcome = given.outcome !== null;
  if (hasOutcome !== (given.step === 'returned')) {
    problems.add('/outcome', 'must be there when the step is returned, and only then');
  }
  const times = {
    providerTime: providerTime === null ? null : problems.time('/providerTime', providerTime),
    ...(time !== undefined && { time: problems.time('/time', time) }),
  };
  problems.refuse(given.reference);
  return { ...given, ...times };
}

class Problems {
  readonly #problems: FieldProblem[] = [];

  add(pointer: string, detail: string | null): void {
    if (detail !== null) this.#problems.push({ pointer, detail });
  }

  /** A time as it is written everywhere in Slipstream. */
  time(pointer: string, time: Time): Instant {
    const instant = toInstant(time);
    if (instant === null) this.add(pointer, noTime);
    return instant ?? '';
  }

  refuse(reference: string): void {
    if (this.#problems.length === 0) return;
    const told = this.#problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ');
    throw new SlipstreamError('validation_failed', `the command about ${reference} is not sent: ${told}`, {
      errors: this.#problems,
    });
  }
}
