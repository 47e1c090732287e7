import { type Micros, wall } from './events.ts';
import type { Facts, Finding, LostProcess, TruthRow } from './facts.ts';
import type { Returned, SlipFacts } from './slips.ts';

const boundary: Micros = 1_000_000n;
/** The providers' clock and the database's are compared to the millisecond here. */
const clockSkew: Micros = 5_000n;
/** A process that was killed longer after it read an answer had the time to make that durable. */
const commitMax: Micros = 10_000_000n;
const gateway = 'provider-gateway';

/** A final answer of a provider, as its truth has it. */
interface Answer {
  readonly at: Micros;
  readonly what: string;
  readonly outcome: string;
  readonly deliveredAt: Micros | null;
}

/** What is known of one slip whose outcome stage has a deadline. */
interface Subject {
  readonly slip: SlipFacts;
  readonly deadline: Micros;
  /** Rule 6, from the topic alone. */
  readonly inTime: boolean;
  readonly answers: readonly Answer[];
}

/** Judges the verdicts: by the topic alone (rule 6), and those on slips that a provider was to be asked about by its truth. */
export function verdictFindings(slips: readonly SlipFacts[], facts: Facts): Finding[] {
  const truth = facts.truth && Map.groupBy(facts.truth, ({ slip_id }) => slip_id);
  const parked = new Set(facts.setAside.map(({ key }) => key));
  const horizon = judgedHorizon(slips);
  return slips.flatMap((slip) => {
    if (slip.terms === null) return [];
    const rows = truth?.get(slip.slipId) ?? [];
    const { deadline, graceMs } = slip.terms;
    const dueAt = deadline + BigInt(graceMs) * 1_000n;
    const due = slip.clock === wall ? dueAt <= facts.now : dueAt < (horizon.get(laneOf(slip)) ?? dueAt);
    const inTime = slip.endedAt !== null && slip.endedAt <= deadline;
    const subject = { slip, deadline, inTime, answers: rows.flatMap(answersOf) };
    const isKnown = truth !== null && slip.clock === wall && slip.terms.dispatched;
    return [
      ...byRule6(subject, due, parked.has(slip.slipId)),
      ...(isKnown && due ? byTruth(subject, facts.lostProcesses) : []),
      ...executed(slip, rows),
    ].map(([kind, why, delay]) => ({ kind, about: slip.slipId, why, ...(delay !== undefined && { delay }) }));
  });
}

type Said = [kind: Finding['kind'], why: string, delay?: Micros];

/** SlipOverdue if and only if no event that ends the stage was received by the deadline. */
function byRule6({ slip, inTime }: Subject, due: boolean, isParked: boolean): Said[] {
  const { overdue, clock } = slip;
  if (overdue && inTime) {
    const why = 'called overdue, and the log has its end by the deadline';
    const differs: Said[] = [['verdict_differs', why]];
    return clock === wall ? [...differs, ['false_alarm', why]] : differs;
  }
  if (!due || overdue || inTime) return [];
  const said: Said[] = [
    ['missed', isParked ? 'set aside by a consumer' : 'no end by the deadline and no verdict'],
  ];
  if (!isParked) said.push(['verdict_differs', 'no end by the deadline and not called overdue']);
  if (isStuck(slip)) said.push(['stuck', 'past its deadline without end, verdict or case']);
  return said;
}

function isStuck({ endedAt, notReturned, settled, refunded, caseReasons }: SlipFacts): boolean {
  return endedAt === null && notReturned === null && !settled && !refunded && caseReasons.length === 0;
}

/** What the provider delivered, against the verdict. */
function byTruth(subject: Subject, lost: readonly LostProcess[]): Said[] {
  const { slip, deadline, inTime, answers } = subject;
  const said: Said[] = [];
  const delivered = first(answers.flatMap(({ deliveredAt }) => deliveredAt ?? []));
  const atBoundary = delivered !== null && delivered > deadline - boundary && delivered < deadline + boundary;
  if (atBoundary) said.push(['boundary', 'delivered within a second of the deadline']);
  if (inTime && slip.answers.length > 0 && !wasGiven(slip.answers[0]!, answers)) {
    said.push(['missed', 'the log has an answer that no provider gave, and there is no verdict']);
  }
  if (slip.overdue && !inTime) said.push(...overdueDespite(subject, atBoundary, lost));
  return said;
}

/** The verdict is right by the log. What had been delivered by the deadline must be durable late for a reason. */
function overdueDespite(
  { slip, deadline, answers }: Subject,
  atBoundary: boolean,
  lost: readonly LostProcess[],
): Said[] {
  const told = (what: string) =>
    first(answers.flatMap((one) => (one.what === what && one.deliveredAt !== null ? [one.deliveredAt] : [])));
  const thanked = told('callback');
  // Thanks are given for what is durable: nothing excuses this.
  if (thanked !== null && thanked <= deadline && !atBoundary) {
    return [['false_alarm', 'a callback was thanked for by the deadline, and the log has it later or never']];
  }
  const read = told('reply');
  if (read === null || read > deadline) return [];
  const durable = slip.answers.find((one) => one.bySynchronousReply);
  if (durable) {
    return [
      ['read_not_durable', 'its reply was read in time and committed late', durable.receivedTime - read],
    ];
  }
  const after = slip.answers[0];
  if (lost.some((one) => tookAlong(one, read))) {
    const why = 'its reply was read by a process that was lost before it could commit it';
    return [after ? ['lost_with_process', why, after.receivedTime - read] : ['lost_with_process', why]];
  }
  return atBoundary ? [] : [['false_alarm', 'its reply was read by the deadline, and the log never has it']];
}

/** Read by a gateway that was killed before it could have committed, or that stood still meanwhile. */
function tookAlong({ name, at, until }: LostProcess, read: Micros): boolean {
  if (name !== gateway && !name.startsWith(`${gateway}-`)) return false;
  return read >= at - commitMax && (until === null || read <= until + boundary);
}

/** The log's answer is one that the provider had made by then and that arrived at some time: nobody made it up. */
function wasGiven({ outcome, receivedTime }: Returned, answers: readonly Answer[]): boolean {
  return answers.some(
    (one) => one.deliveredAt !== null && one.outcome === outcome && one.at <= receivedTime + clockSkew,
  );
}

/** What was done outside without our leave, or after we gave it up. */
function executed({ held, notReturned, refunded }: SlipFacts, rows: readonly TruthRow[]): Said[] {
  const executions = rows.reduce((sum, row) => sum + row.executions, 0);
  const said: Said[] = [];
  if (executions > 1) {
    const where = rows.map((row) => `${row.provider} ${row.executions}`).join(', ');
    said.push(['executed_twice', `executed ${executions} times: ${where}`]);
  }
  if (executions > 0 && !held) said.push(['money_differs', 'executed without a hold']);
  if (executions > 0 && (notReturned === 'not_executed' || refunded)) {
    said.push(['false_alarm', `${refunded ? 'refunded' : 'called not executed'}, and executed`]);
  }
  return said;
}

/**
 * On a clock of its own nobody here knows how late it is; but deadlines are judged in their order, so those before one
 * that was called overdue have been judged.
 */
function judgedHorizon(slips: readonly SlipFacts[]): Map<string, Micros> {
  const horizon = new Map<string, Micros>();
  for (const slip of slips) {
    if (!slip.overdue || slip.terms === null) continue;
    const dueAt = slip.terms.deadline + BigInt(slip.terms.graceMs) * 1_000n;
    if (dueAt > (horizon.get(laneOf(slip)) ?? 0n)) horizon.set(laneOf(slip), dueAt);
  }
  return horizon;
}

function laneOf({ clock, partition }: SlipFacts): string {
  return `${partition} ${clock}`;
}

function answersOf({ answers }: TruthRow): Answer[] {
  return answers.map(({ at, what, outcome, delivered_at }) => ({
    at: micros(at),
    what,
    outcome,
    deliveredAt: delivered_at === null ? null : micros(delivered_at),
  }));
}

/** The simulator's times have milliseconds. */
function micros(rfc3339: string): Micros {
  return BigInt(Date.parse(rfc3339)) * 1_000n;
}

function first(times: readonly Micros[]): Micros | null {
  return times.reduce<Micros | null>((least, time) => (least === null || time < least ? time : least), null);
}
