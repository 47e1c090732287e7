import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '@slipstream/kernel';
import { type Api, isPassing } from '../api.ts';
import { CliError } from '../exit.ts';
import type { Terminal } from '../output/terminal.ts';
import type { LedgerSlip } from './verdicts.ts';

/** How reconciliation shows a clock. */
export interface ClockView {
  readonly clock: string;
  readonly judged_through: Instant | null;
  readonly closed: boolean;
  readonly concluded: boolean;
  readonly counts: {
    readonly slips: number;
    readonly open: number;
    readonly overdue: number;
    readonly not_returned: number;
  };
}

/** What the ledger shows of a clock. */
export interface LedgerCounts {
  slips: number;
  overdue: number;
  not_returned: number;
  /** Overdue slips whose diagnosis has not come yet. */
  undiagnosed: number;
}

export interface WaitOptions {
  readonly reconciliation: Api;
  readonly ledger: Api;
  readonly clock: string;
  /** Slips that were submitted. */
  readonly slips: number;
  readonly timeoutMs: number;
  readonly terminal: Terminal;
  readonly nowMs: () => number;
  readonly pollMs?: number;
}

const pollMsDefault = 500;
const pollMsMax = 5_000;
/** A service that is restarted is back by then; one that is not, is gone. */
const silenceMsMax = 30_000;
/** Diagnoses follow their verdicts at once; a verdict without one is a fact as well. */
const diagnosisWaitMs = 15_000;
export const pageSize = 1_000;

export async function clockView(reconciliation: Api, clock: string): Promise<ClockView | null> {
  const { clocks } = await reconciliation.get<{ clocks: ClockView[] }>('v1/watermarks');
  return clocks.find((view) => view.clock === clock) ?? null;
}

/** Every slip of a clock, in pages. */
export function slipsOnClock(ledger: Api, clock: string): AsyncGenerator<readonly LedgerSlip[]> {
  const query = { clock, sort: 'submitted_at', page_size: String(pageSize) };
  return ledger.pages<LedgerSlip>('v1/slips', query);
}

/**
 * Waits until reconciliation has concluded the clock and the ledger shows all of it.
 * @throws CliError timeout: not within `timeoutMs`; unreachable: a service was silent for 30 s
 */
export async function waitForVerdicts(options: WaitOptions): Promise<ClockView> {
  const patience = new Patience(options);
  const view = await concluded(options, patience);
  await shown(options, patience, view);
  return view;
}

async function concluded({ reconciliation, clock, slips, terminal }: WaitOptions, patience: Patience) {
  const progress = terminal.progress('judging');
  try {
    return await patience.until<ClockView>(async () => {
      const view = await clockView(reconciliation, clock);
      if (view?.concluded) return { done: view };
      const judged = view ? view.counts.slips - view.counts.open : 0;
      progress.update(judged, slips, `slips, judged through ${view?.judged_through ?? 'nothing yet'}`);
      return { waiting: `clock ${clock} is not concluded: ${toldClock(view, slips)}` };
    });
  } finally {
    progress.stop();
  }
}

async function shown(options: WaitOptions, patience: Patience, view: ClockView): Promise<void> {
  const { ledger, clock, slips, terminal, nowMs } = options;
  const progress = terminal.progress('reading verdicts');
  let completeAtMs: number | null = null;
  try {
    await patience.until(async () => {
      const counts = await countSlips(ledger, clock, (read) => {
        patience.heard();
        progress.update(read, slips, 'slips');
      });
      const { overdue, not_returned } = view.counts;
      const complete =
        counts.slips >= slips && counts.overdue === overdue && counts.not_returned === not_returned;
      if (complete) completeAtMs ??= nowMs();
      if (complete && (counts.undiagnosed === 0 || nowMs() - completeAtMs! >= diagnosisWaitMs)) {
        return { done: true };
      }
      const told = `${counts.slips} of ${slips} slips, ${counts.overdue} of ${overdue} overdue, ${counts.not_returned} of ${not_returned} not returned`;
      return { waiting: `the ledger does not show all of clock ${clock} yet: ${told}` };
    });
  } finally {
    progress.stop();
  }
}

async function countSlips(ledger: Api, clock: string, onPage: (read: number) => void): Promise<LedgerCounts> {
  const counts: LedgerCounts = { slips: 0, overdue: 0, not_returned: 0, undiagnosed: 0 };
  for await (const page of slipsOnClock(ledger, clock)) {
    for (const { status, overdue, cause } of page) {
      counts.slips++;
      if (overdue) counts.overdue++;
      if (overdue && cause === null) counts.undiagnosed++;
      if (status === 'not_returned') counts.not_returned++;
    }
    onPage(counts.slips);
  }
  return counts;
}

function toldClock(view: ClockView | null, slips: number): string {
  if (!view) return 'reconciliation knows nothing of it yet';
  const { counts, judged_through, closed } = view;
  return `${counts.slips} of ${slips} slips seen, ${counts.open} without a verdict, judged through ${judged_through ?? 'nothing'}, ${closed ? 'closed' : 'not closed yet'}`;
}

type Look<T> = { readonly done: T } | { readonly waiting: string };

/** Repeats a look at the services, ever less often, within one limit for the whole wait. */
class Patience {
  readonly #startMs: number;
  readonly #timeoutMs: number;
  readonly #pollMs: number;
  readonly #nowMs: () => number;
  #heardAtMs: number;

  constructor({ timeoutMs, nowMs, pollMs }: WaitOptions) {
    this.#startMs = nowMs();
    this.#timeoutMs = timeoutMs;
    this.#pollMs = pollMs ?? pollMsDefault;
    this.#nowMs = nowMs;
    this.#heardAtMs = nowMs();
  }

  /** A service answered; a look may be many pages long. */
  heard(): void {
    this.#heardAtMs = this.#nowMs();
  }

  async until<T>(look: () => Promise<Look<T>>): Promise<T> {
    this.heard();
    let waiting = '';
    for (let pollMs = this.#pollMs; ; pollMs = Math.min(pollMs * 1.2, pollMsMax)) {
      try {
        const seen = await look();
        if ('done' in seen) return seen.done;
        waiting = seen.waiting;
        this.heard();
      } catch (error) {
        if (!isPassing(error) || this.#nowMs() - this.#heardAtMs > silenceMsMax) throw error;
        waiting = error.message;
      }
      if (this.#nowMs() + pollMs - this.#startMs > this.#timeoutMs) {
        throw new CliError('timeout', `after ${this.#timeoutMs / 1000} s: ${waiting}`);
      }
      await sleep(pollMs);
    }
  }
}
