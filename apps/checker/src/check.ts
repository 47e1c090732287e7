import { addMs, type Instant, parseInstant } from '@slipstream/kernel';
import type { EventNumber, Facts, Summary, TopicEvent, TruthRow } from './facts.ts';
import { foldSlips, type SlipFacts } from './slips.ts';

const boundaryMs = 1_000;

/** Computes the summary of ARCHITECTURE section 6 from the providers' truth, the topic and SQL. */
export function check(facts: Facts): Summary {
  const { fresh, jumps } = numbered(facts.topic);
  const slips = relevant(fresh, facts.since);
  const verdicts = judge(slips, facts);
  return {
    slips: slips.length,
    returned: count(slips, (slip) => slip.returnedAt !== null && !slip.overdue),
    recovered: count(slips, (slip) => slip.overdue && slip.returnedAt !== null),
    not_returned: count(slips, (slip) => slip.notReturned !== null && slip.returnedAt === null),
    refunded: count(slips, (slip) => slip.refunded),
    rejected: count(slips, (slip) => slip.rejected),
    open_cases: count(slips, (slip) => slip.openCases > 0),
    ...verdicts,
    lost_events: jumps + absent(facts.outbox, fresh) + absentFrom(facts.outbox, facts.log),
    ledger_balanced: facts.imbalances === 0,
  };
}

/** Whether every deadline has passed, so that no verdict is outstanding. */
export function allDue(facts: Facts): boolean {
  const { fresh } = numbered(facts.topic);
  return relevant(fresh, facts.since).every((slip) => slip.deadline === null || slip.deadline <= facts.now);
}

function relevant(fresh: readonly TopicEvent[], since: Instant | null): SlipFacts[] {
  return [...foldSlips(fresh).values()].filter(
    (slip) => slip.submittedAt !== null && (since === null || slip.submittedAt >= since),
  );
}

function count(slips: readonly SlipFacts[], matches: (slip: SlipFacts) => boolean): number {
  return slips.filter(matches).length;
}

/** Takes resends out and counts the numbers that were jumped over. */
function numbered(topic: readonly TopicEvent[]): { fresh: TopicEvent[]; jumps: number } {
  const last = new Map<string, bigint>();
  const fresh: TopicEvent[] = [];
  let jumps = 0;
  for (const event of topic) {
    const key = `${event.recorded.source} ${event.partition}`;
    const before = last.get(key) ?? 0n;
    const { sequence } = event.recorded;
    if (sequence <= before) continue;
    jumps += Number(sequence - before - 1n);
    last.set(key, sequence);
    fresh.push(event);
  }
  return { fresh, jumps };
}

function absent(outbox: readonly EventNumber[], fresh: readonly TopicEvent[]): number {
  const onTopic = fresh.map(({ partition, recorded }) => ({
    source: recorded.source,
    partition,
    seq: recorded.sequence,
  }));
  return absentFrom(outbox, onTopic);
}

function absentFrom(outbox: readonly EventNumber[], found: readonly EventNumber[]): number {
  const seen = new Set(found.map(nameOf));
  return outbox.filter((event) => !seen.has(nameOf(event))).length;
}

function nameOf({ source, partition, seq }: EventNumber): string {
  return `${source} ${partition} ${seq}`;
}

/** Only slips that a provider was to be asked about, in real time: imports have no provider here. */
function judge(
  slips: readonly SlipFacts[],
  facts: Facts,
): Pick<Summary, 'boundary' | 'false_alarms' | 'missed'> {
  const truth = new Map<string, TruthRow[]>();
  for (const row of facts.truth) truth.set(row.slip_id, [...(truth.get(row.slip_id) ?? []), row]);
  const result = { boundary: 0, false_alarms: 0, missed: 0 };
  for (const slip of slips) {
    if (!slip.dispatched || slip.clock !== 'wall' || slip.rejected || slip.deadline === null) continue;
    const rows = truth.get(slip.slipId) ?? [];
    const executions = rows.reduce((sum, row) => sum + row.executions, 0);
    if ((slip.notReturned === 'not_executed' || slip.refunded) && executions > 0) result.false_alarms++;
    if (slip.deadline > facts.now) continue;
    const answered = firstDelivery(rows);
    if (answered !== null && isAtBoundary(answered, slip.deadline)) {
      result.boundary++;
      continue;
    }
    const inTime = answered !== null && answered <= slip.deadline;
    if (inTime && slip.overdue) result.false_alarms++;
    if (!inTime && !slip.overdue) result.missed++;
  }
  return result;
}

/** When the first final answer had been delivered whole; null when none was. */
function firstDelivery(rows: readonly TruthRow[]): Instant | null {
  const deliveries = rows
    .flatMap((row) => row.answers)
    .flatMap((answer) => (answer.delivered_at === null ? [] : [parseInstant(answer.delivered_at)!]));
  return deliveries.sort()[0] ?? null;
}

function isAtBoundary(delivered: Instant, deadline: Instant): boolean {
  return delivered > addMs(deadline, -boundaryMs) && delivered < addMs(deadline, boundaryMs);
}
