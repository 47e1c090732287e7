import type { Instant } from '@slipstream/kernel';
import type { Api } from '../api.ts';
import { CliError } from '../exit.ts';
import { showTime } from '../output/show-time.ts';
import { eventsOf } from '../timeline/find-slip.ts';
import { isRefused } from './verdicts.ts';
import { clockView, slipsOnClock } from './wait.ts';

/** What an import is about to do. */
export interface PlannedImport {
  readonly clock: string;
  readonly until: Instant;
  readonly caller: string;
  /** The clock of the import that this one corrects. */
  readonly replaces: string | null;
}

const wayOut = 'nothing was sent; give --clock NAME for a clock of its own';

/**
 * Asks the services before anything is sent: a wrong address or token is better known then. So is a clock that is not
 * free: references stay bound to the clock they were sent on, and one that is closed at another time, or that has the
 * slips of another caller, never shows what this import waits for.
 * @throws CliError usage for such a clock
 */
export async function preflight(
  { ledger, reconciliation }: { readonly ledger: Api; readonly reconciliation: Api },
  { clock, until, caller, replaces }: PlannedImport,
): Promise<void> {
  const [view, other] = await Promise.all([clockView(reconciliation, clock), callerOn(ledger, clock)]);
  if (view?.closed && view.judged_through !== null && view.judged_through !== until) {
    const closed = `was closed at ${showTime(view.judged_through)}, not at ${showTime(until)}`;
    throw new CliError('usage', `the clock ${clock} ${closed}: ${wayOut}`);
  }
  if (replaces !== null && (await clockView(reconciliation, replaces)) === null) {
    throw new CliError('usage', `there is no clock ${replaces} to replace: nothing was sent`);
  }
  if (other !== null && other !== caller) {
    throw new CliError('usage', `the clock ${clock} has slips of ${other}, not of ${caller}: ${wayOut}`);
  }
}

/** Who submitted the slips of the clock; null when there are none, or none that was taken. */
async function callerOn(ledger: Api, clock: string): Promise<string | null> {
  for await (const page of slipsOnClock(ledger, clock)) {
    const taken = page.find((slip) => !isRefused(slip));
    if (!taken) continue;
    const events = await eventsOf(ledger, taken.id);
    const caller = events.find(({ type }) => type === 'slipstream.slip.submitted.v1')?.data?.caller;
    return typeof caller === 'string' ? caller : null;
  }
  return null;
}
