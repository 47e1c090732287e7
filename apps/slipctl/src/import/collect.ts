import type { Instant } from '@slipstream/kernel';
import type { Api } from '../api.ts';
import { writeWhole } from '../output/whole-file.ts';
import { ExternalSort } from './sort.ts';
import {
  contradiction,
  isRefused,
  type LedgerSlip,
  type SlipVerdictSource,
  undeterminedLine,
  type Verdict,
  verdictHeader,
  verdictLine,
  verdictOf,
  verdicts,
} from './verdicts.ts';
import { slipsOnClock } from './wait.ts';

/** A slip that has no verdict though it was submitted, or one that cannot be right. */
export interface Oddity {
  readonly reference: string;
  readonly slip_id: string | null;
  readonly detail: string;
}

export interface Collected {
  readonly verdicts: Record<Verdict, number>;
  /** Refused by the system: they never ran. */
  readonly refused: Oddities;
  /** Submitted, but the ledger does not show them on this clock. */
  readonly missing: Oddities;
  /** The system's verdict contradicts its own times. */
  readonly contradictions: Oddities;
}

/** All are counted, the first ones are shown. */
export interface Oddities {
  count: number;
  readonly first: Oddity[];
}

const oddShownMax = 100;

/**
 * Joins the submitted slips (sorted by reference, each once) with the ledger's slips of the clock, and writes the verdict of
 * each to `out`, sorted by reference; a file appears when it is whole.
 */
export async function collectVerdicts(
  { ledger, clock, until }: { ledger: Api; clock: string; until: Instant },
  sources: AsyncIterable<SlipVerdictSource>,
  out: string | null,
): Promise<Collected> {
  const sort = new ExternalSort<LedgerSlip>({ compare: compareSlips });
  try {
    for await (const page of slipsOnClock(ledger, clock)) {
      for (const slip of page) if (slip.reference !== null) await sort.add(slimmed(slip));
    }
    const collected: Collected = {
      verdicts: Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>,
      refused: { count: 0, first: [] },
      missing: { count: 0, first: [] },
      contradictions: { count: 0, first: [] },
    };
    const lines = linesOf(join(sources, sort.sorted()), until, collected);
    if (out === null) for await (const _ of lines);
    else await writeWhole(out, lines);
    return collected;
  } finally {
    sort.dispose();
  }
}

/** By reference; of two slips with one reference, the one that was not refused comes first. */
function compareSlips(a: LedgerSlip, b: LedgerSlip): number {
  if (a.reference !== b.reference) return a.reference! < b.reference! ? -1 : 1;
  if (isRefused(a) !== isRefused(b)) return isRefused(a) ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}

function slimmed({ id, reference, status, overdue, returned_at, deadline, cause }: LedgerSlip): LedgerSlip {
  return { id, reference, status, overdue, returned_at, deadline, cause: cause && { code: cause.code } };
}

interface Joined extends SlipVerdictSource {
  readonly slip: LedgerSlip | null;
}

async function* join(
  sources: AsyncIterable<SlipVerdictSource>,
  slips: AsyncGenerator<LedgerSlip>,
): AsyncGenerator<Joined> {
  let next = await slips.next();
  for await (const source of sources) {
    const { reference } = source;
    while (!next.done && next.value.reference! < reference) next = await slips.next();
    const slip = !next.done && next.value.reference === reference ? next.value : null;
    yield { ...source, slip };
  }
}

async function* linesOf(
  joined: AsyncIterable<Joined>,
  until: Instant,
  collected: Collected,
): AsyncGenerator<string> {
  yield verdictHeader;
  for await (const { reference, isDetermined, slip } of joined) {
    if (!isDetermined) yield undeterminedLine(reference);
    else if (slip === null) {
      note(collected.missing, { reference, slip_id: null, detail: 'the ledger does not show it' });
    } else if (isRefused(slip)) {
      const detail = `refused; slipctl timeline ${slip.id} tells why`;
      note(collected.refused, { reference, slip_id: slip.id, detail });
    } else {
      collected.verdicts[verdictOf(slip)]++;
      const detail = contradiction(slip, until);
      if (detail !== null) note(collected.contradictions, { reference, slip_id: slip.id, detail });
      yield verdictLine(slip);
    }
  }
}

function note(oddities: Oddities, oddity: Oddity): void {
  oddities.count++;
  if (oddities.first.length < oddShownMax) oddities.first.push(oddity);
}
