import { addMs, type Instant, parseInstant } from '@slipstream/kernel';
import { isLive } from '@slipstream/slip';
import type { EventNumber, Facts, Summary, TopicEvent, TruthRow } from './facts.ts';
import { foldSlips, type SlipFacts } from './slips.ts';

const boundaryMs = 1_000;
/** The providers' clock and the database's are compared to the millisecond here. */
const clockSkewMs = 5;

/** Computes the summary of ARCHITECTURE section 6 from the providers' truth, the topic and SQL. */
export function check(facts: Facts): Summary {
  const { fresh, jumps } = numbered(facts.topic);
  const slips = relevant(fresh, facts.since);
  const judged = judge(slips, facts);
  return {
    slips: slips.length,
    returned: count(slips, (slip) => slip.returnedAt !== null && !slip.overdue),
    recovered: count(slips, (slip) => slip.overdue && slip.returnedAt !== null),
    not_returned: count(slips, (slip) => slip.notReturned !== null && slip.returnedAt === null),
    refunded: count(slips, (slip) => slip.refunded),
    rejected: count(slips, (slip) => slip.rejected),
    open_cases: count(slips, (slip) => slip.openCases > 0),
    boundary: judged.boundary.length,
    false_alarms: judged.falseAlarms.length,
    missed: judged.missed.length,
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

interface Judged {
  readonly boundary: string[];
  readonly falseAlarms: string[];
  readonly missed: string[];
}

/** Only slips that a provider was to be asked about, in real time: imports have no provider here. Gives slip ids. */
function judge(slips: readonly SlipFacts[], facts: Facts): Judged {
  const truth = new Map<string, TruthRow[]>();
  for (const row of facts.truth) truth.set(row.slip_id, [...(truth.get(row.slip_id) ?? []), row]);
  const judged: Judged = { boundary: [], falseAlarms: [], missed: [] };
  for (const slip of slips) {
    const { slipId, deadline } = slip;
    if (!slip.dispatched || !isLive(slip.clock) || slip.rejected || deadline === null) continue;
    const rows = truth.get(slipId) ?? [];
    const executions = rows.reduce((sum, row) => sum + row.executions, 0);
    const givenUp = (slip.notReturned === 'not_executed' || slip.refunded) && executions > 0;
    const answered = firstDelivery(rows);
    const atBoundary = answered !== null && isAtBoundary(answered, deadline);
    const due = deadline <= facts.now;
    const told = firstDelivery(rows, ['reply', 'callback']);
    const toldInTime = due && !atBoundary && told !== null && told <= deadline;
    if (givenUp || (toldInTime && slip.overdue)) judged.falseAlarms.push(slipId);
    if (!due) continue;
    if (atBoundary) judged.boundary.push(slipId);
    else if (!slip.overdue && !isAccountedFor(slip, rows, answered, deadline)) judged.missed.push(slipId);
  }
  return judged;
}

/** The topic tells of an answer by the deadline, and the provider did give one: nobody made it up. */
function isAccountedFor(
  slip: SlipFacts,
  rows: readonly TruthRow[],
  answered: Instant | null,
  deadline: Instant,
): boolean {
  if (slip.returnedAt === null || slip.returnedAt > deadline) return false;
  return (answered !== null && answered <= deadline) || wasGiven(slip, slip.returnedAt, rows);
}

/**
 * The same answer was given before it was received, and delivered, only late: the thanks for it were lost (the receiver
 * died between its commit and its 2xx), so the provider sent it again. One that was never delivered was never sent.
 */
function wasGiven({ outcome }: SlipFacts, returnedAt: Instant, rows: readonly TruthRow[]): boolean {
  return rows.some((row) =>
    row.answers.some(
      (answer) =>
        answer.delivered_at !== null &&
        answer.outcome === outcome &&
        parseInstant(answer.at)! <= addMs(returnedAt, clockSkewMs),
    ),
  );
}

/** What is wrong with which slip, a line each, for whoever has to look. */
export function findings(facts: Facts): string[] {
  const { fresh } = numbered(facts.topic);
  const slips = relevant(fresh, facts.since);
  const { falseAlarms, missed } = judge(slips, facts);
  const lines = (word: string, ids: readonly string[]) =>
    ids.map((id) => {
      const slip = slips.find((one) => one.slipId === id);
      const truth = facts.truth.filter((row) => row.slip_id === id);
      return `${word} ${id}: ${JSON.stringify({ slip, truth })}`;
    });
  return [...lines('false alarm', falseAlarms), ...lines('missed', missed)];
}

/** When the first final answer (of these kinds) had been delivered whole; null when none was. */
function firstDelivery(rows: readonly TruthRow[], kinds = ['reply', 'callback', 'inquiry']): Instant | null {
  const deliveries = rows
    .flatMap((row) => row.answers.filter(({ what }) => kinds.includes(what)))
    .flatMap((answer) => (answer.delivered_at === null ? [] : [parseInstant(answer.delivered_at)!]));
  return deliveries.sort()[0] ?? null;
}

function isAtBoundary(delivered: Instant, deadline: Instant): boolean {
  return delivered > addMs(deadline, -boundaryMs) && delivered < addMs(deadline, boundaryMs);
}
