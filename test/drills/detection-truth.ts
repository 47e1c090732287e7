import { check, type Facts, type Finding, isSound, type Summary } from '@slipstream/checker';

/** What the checker of the demo says of one run, and how late verdicts were because of its trouble. */
export interface JudgedDetection extends Summary {
  /** Slips that were called overdue. */
  readonly overdue: number;
  /** From the deadline to SlipOverdue; null: there was none. */
  readonly verdict_delay_ms: { readonly median: number; readonly max: number } | null;
  /** Precision and recall are whole, and there was something to find. */
  readonly holds: boolean;
}

/** @param taken how many slips intake took: each must be on the topic */
export function judgeDetection(
  facts: Facts,
  taken: number,
): { readonly judged: JudgedDetection; readonly findings: readonly Finding[] } {
  const { summary, due, findings } = check(facts);
  const delays = verdictDelays(facts);
  const whole = isSound(summary) && due && summary.stuck === 0 && summary.parked === 0;
  const judged = {
    ...summary,
    overdue: delays.length,
    verdict_delay_ms: delays.length === 0 ? null : { median: middle(delays), max: delays.at(-1)! },
    holds: whole && summary.slips === taken && delays.length > 0,
  };
  return { judged, findings: findings.filter(({ kind }) => kind !== 'boundary') };
}

/** In milliseconds, the least first; of the slips that are judged. */
function verdictDelays({ topic, since }: Facts): number[] {
  const delays = new Map<string, number>();
  const judged = new Set<string>();
  for (const { event } of topic) {
    const { told, slipId, time } = event;
    if (told.type === 'submitted' && (since === null || time >= since)) judged.add(slipId);
    if (told.type === 'overdue' && told.ofOutcome && !delays.has(slipId))
      delays.set(slipId, Math.round(Number(time - told.deadline) / 1_000));
  }
  return [...delays].flatMap(([slipId, delay]) => (judged.has(slipId) ? delay : [])).sort((a, b) => a - b);
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!;
}
