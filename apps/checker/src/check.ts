import type { Facts, Finding, Kind, Summary } from './facts.ts';
import { moneyFindings } from './money.ts';
import { sequence } from './sequence.ts';
import { foldSlips, type SlipFacts } from './slips.ts';
import { verdictFindings } from './verdicts.ts';

export interface Checked {
  readonly summary: Summary;
  /** One for each thing that is counted, `boundary` included: not each is an error. */
  readonly findings: readonly Finding[];
  /** Every deadline has passed, so that no verdict is outstanding. */
  readonly due: boolean;
}

/** Computes the summary of ARCHITECTURE section 6 from the topic, SQL and, where it is told, the providers' truth. */
export function check(facts: Facts): Checked {
  const { fresh, lost } = sequence(facts);
  const all = foldSlips(fresh);
  const slips = [...all.values()].filter((slip) => isRelevant(slip, facts));
  const ids = new Set(slips.map(({ slipId }) => slipId));
  const findings = [
    ...lost,
    ...verdictFindings(slips, facts),
    ...neverPublished(all, facts),
    // A transaction may belong to a slip that is left out here.
    ...moneyFindings(all.values(), facts.transactions).filter(
      ({ about }) => ids.has(about) || !all.has(about),
    ),
    ...parked(facts),
  ];
  return {
    summary: summarize(slips, findings, facts),
    findings,
    due: slips.every((slip) => isDue(slip, facts)),
  };
}

function isRelevant({ submittedAt }: SlipFacts, { since }: Facts): boolean {
  return submittedAt !== null && (since === null || submittedAt >= since);
}

function isDue({ terms }: SlipFacts, { now }: Facts): boolean {
  return terms === null || terms.deadline <= now;
}

/** Slips that intake answered for and nobody else has heard of, each once. */
function neverPublished(
  all: ReadonlyMap<string, SlipFacts>,
  { outbox, accepted, since, now }: Facts,
): Finding[] {
  const unheard = new Map<string, string>();
  for (const { slipId, at } of accepted) {
    if (since === null || at >= since) unheard.set(slipId, 'accepted and never published');
  }
  for (const { event } of outbox) {
    if (event.told.type !== 'submitted') continue;
    if (event.told.deadline <= now) unheard.set(event.slipId, 'submitted and never published');
    else unheard.delete(event.slipId);
  }
  return [...unheard]
    .filter(([slipId]) => !all.get(slipId)?.terms && !all.get(slipId)?.rejected)
    .map(([about, why]) => ({ kind: 'missed', about, why }));
}

/** A slip that waits in several services is one; a record that nothing waits behind is one by itself. */
function parked({ setAside }: Facts): Finding[] {
  const found = new Map<string, string>();
  for (const { service, topic, partition, offset, key } of setAside) {
    const where = `${topic} ${partition}:${offset}`;
    found.set(key === null ? where : `${topic} ${key}`, `set aside by ${service} at ${where}`);
  }
  return [...found].map(([about, why]) => ({ kind: 'parked', about, why }));
}

function summarize(slips: readonly SlipFacts[], findings: readonly Finding[], facts: Facts): Summary {
  const slipsThat = (matches: (slip: SlipFacts) => boolean) => slips.filter(matches).length;
  const found = (kind: Kind) =>
    new Set(findings.filter((one) => one.kind === kind).map(({ about }) => about)).size;
  const returned = ({ answers }: SlipFacts) => answers.length > 0;
  return {
    slips: slips.length,
    returned: slipsThat((slip) => returned(slip) && !slip.overdue),
    recovered: slipsThat((slip) => returned(slip) && slip.overdue),
    not_returned: slipsThat((slip) => slip.notReturned !== null && !returned(slip)),
    refunded: slipsThat((slip) => slip.refunded),
    rejected: slipsThat((slip) => slip.rejected),
    open_cases: slipsThat((slip) => slip.caseReasons.length > 0),
    boundary: found('boundary'),
    false_alarms: found('false_alarm'),
    missed: found('missed'),
    lost_events: found('lost_event'),
    ledger_balanced: facts.imbalances === 0,
    executed_twice: found('executed_twice'),
    money_differs: found('money_differs'),
    stuck: found('stuck'),
    verdict_differs: found('verdict_differs'),
    parked: found('parked'),
    read_not_durable: found('read_not_durable'),
    lost_with_process: found('lost_with_process'),
    evidence_delay_ms: range(
      findings.flatMap(({ delay }) => (delay === undefined ? [] : [Number(delay) / 1_000])),
    ),
  };
}

function range(values: readonly number[]): Summary['evidence_delay_ms'] {
  return values.length === 0 ? null : { min: Math.min(...values), max: Math.max(...values) };
}

/** Whether the system did right: what was only late, at the boundary or set aside is told and is no error by itself. */
export function isSound(summary: Summary): boolean {
  return (
    summary.false_alarms === 0 &&
    summary.missed === 0 &&
    summary.lost_events === 0 &&
    summary.ledger_balanced &&
    summary.executed_twice === 0 &&
    summary.money_differs === 0 &&
    summary.verdict_differs === 0
  );
}
