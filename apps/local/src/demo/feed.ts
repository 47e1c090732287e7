import { type CheckTarget, isSound, runCheck, type Summary } from '@slipstream/checker';
import type { Stack } from '../stack/stack.ts';
import { type DemoOutage, demoOutage, type JudgedOutage, judgeOutage, type ShownIncident } from './outage.ts';
import { demoFaults, type PlannedSlip, planDemo } from './plan.ts';
import { hasEnded, readSlips, renderTable, type ShownSlip } from './progress.ts';
import { readIncidents, readTruth } from './read-incidents.ts';
import { pause, submitSlip } from './submit.ts';

/** Told when the table is gone: lines in between would tear it. */
type Tell = (line: string) => void;

export interface DemoOptions {
  /** End with the summary; otherwise everything stays up until it is stopped. */
  readonly exit: boolean;
  readonly slips?: number;
  readonly overMs?: number;
  readonly seed?: number;
  /** Longest wait for every slip to end, after the last one was submitted. */
  readonly endTimeoutMs?: number;
  /** Called when a part of the feed was submitted: drills hook in here. */
  readonly onSubmitted?: (count: number) => void;
  /** What looks at the topic, the databases and the simulator. */
  readonly check?: typeof runCheck;
}

export interface PlayedDemo {
  readonly summary: Summary;
  /** The outage of the feed that loses answers, and since when its slips were submitted. */
  readonly lost: DemoOutage;
  readonly since: string;
  /** Every slip of the feed was taken and has ended. */
  readonly complete: boolean;
}

const pollMs = 1_000;
const settleTimeoutMs = 30_000;
const examplesMax = 5;

/**
 * Plays the demo feed and shows the table. With `exit` prints the checker's summary as the last line of stdout; without,
 * never resolves: whatever happened to the feed, people may want to look at the stack.
 */
export async function runDemoFeed(stack: Stack, options: DemoOptions): Promise<void> {
  showAddresses(stack);
  if (options.exit) {
    const played = await playDemo(stack, options);
    const { summary, complete } = played;
    const outage = await settledOutage(stack, played);
    console.error(describe(summary, outage));
    console.log(JSON.stringify({ ...summary, ...outage }));
    if (!complete || !isSound(summary)) process.exitCode = 1;
    return;
  }
  try {
    const played = await playDemo(stack, options);
    console.error(describe(played.summary, await settledOutage(stack, played)));
  } catch (error) {
    console.error(`The feed broke off: ${messageOf(error)}`);
  }
  console.error('The feed has ended; everything stays up. Ctrl-C stops it.');
  await new Promise(() => {});
}

/**
 * Submits the feed, waits until every slip has ended and been judged, and asks the checker. Slips that were not taken or
 * don't end are told, and the checker is asked all the same.
 * @throws Error when the feed cannot start or the checker cannot look
 */
export async function playDemo(stack: Stack, options: Omit<DemoOptions, 'exit'>): Promise<PlayedDemo> {
  const stop = new AbortController();
  const start = new Date();
  const overMs = options.overMs ?? 18_000;
  const plan = planDemo({
    run: start.getTime().toString(36),
    seed: options.seed ?? 20_261_122,
    slips: options.slips ?? 360,
    overMs,
  });
  const lost = demoOutage(start.getTime(), overMs);
  await setFaults(stack.simulatorUrl, start, lost);
  const since = start.toISOString();
  const table = showTable(stack, since, stop.signal);
  const told: string[] = [];
  const tell: Tell = (line) => told.push(line);
  try {
    const submitted = await submitAll(plan, stack, stop.signal, tell, options.onSubmitted);
    const ended = await untilEnded(
      stack,
      since,
      submitted,
      stop.signal,
      options.endTimeoutMs ?? 180_000,
      tell,
    );
    const summary = await settledCheck(stack, since, stop.signal, tell, options.check ?? runCheck);
    return { summary, lost, since, complete: ended && submitted === plan.length };
  } finally {
    stop.abort();
    await table;
    for (const line of told) console.error(line);
  }
}

function showAddresses(stack: Stack): void {
  for (const [name, value] of Object.entries(stack.env)) {
    if (name.endsWith('_URL') && value.startsWith('http')) console.error(`${name.padEnd(20)} ${value}`);
  }
  console.error(`logs                 ${stack.logsDir}`);
}

async function setFaults(simulatorUrl: string, start: Date, lost: DemoOutage): Promise<void> {
  const response = await fetch(new URL('/v1/rules', simulatorUrl), {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(demoFaults(start, lost)),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok)
    throw new Error(`the simulator refused the demo's faults: ${response.status} ${await response.text()}`);
}

/** Each slip at its own time; a slow answer holds up no other slip. @returns how many were taken */
async function submitAll(
  plan: readonly PlannedSlip[],
  stack: Stack,
  signal: AbortSignal,
  tell: Tell,
  onSubmitted: (count: number) => void = () => {},
): Promise<number> {
  const startMs = performance.now();
  const target = { intakeUrl: stack.env.INTAKE_URL!, token: stack.env.TOKEN_PUBLISHER! };
  let submitted = 0;
  await Promise.all(
    plan.map(async (slip) => {
      await pause(Math.max(0, slip.atMs - (performance.now() - startMs)), signal);
      try {
        await submitSlip(slip, target, signal);
      } catch (error) {
        return tell(messageOf(error));
      }
      onSubmitted(++submitted);
    }),
  );
  return submitted;
}

/** @returns whether every slip has ended within `timeoutMs`; if not, some that have not are told */
async function untilEnded(
  stack: Stack,
  since: string,
  expected: number,
  signal: AbortSignal,
  timeoutMs: number,
  tell: Tell,
): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const slips = await tryRead(stack, since);
    const open = slips.filter((slip) => !hasEnded(slip));
    if (slips.length >= expected && open.length === 0) return true;
    if (performance.now() > until) {
      tell(
        `after ${timeoutMs} ms the ledger shows ${slips.length} of ${expected} slips, ${open.length} not ended`,
      );
      for (const slip of open.slice(0, examplesMax)) tell(`  ${slip.reference} ${slip.status}`);
      return false;
    }
    await pause(pollMs, signal);
  }
}

/** What the checker looks at in this stack: all of its slips, and what was lost with processes that ended. */
export function checkTarget({ env, services, simulatorUrl }: Stack): CheckTarget {
  const micros = (time: Date) => BigInt(time.getTime()) * 1_000n;
  return {
    brokers: env.KAFKA_BROKERS!.split(','),
    databaseUrl: env.DATABASE_URL!,
    simulatorUrl,
    lostProcesses: services
      .outages()
      .map(({ name, at, until }) => ({ name, at: micros(at), until: until && micros(until) })),
  };
}

/**
 * Asks the checker until it finds nothing wrong: the last events may still be on their way, and what it reads may be
 * restarting. Then its word stands.
 */
async function settledCheck(
  stack: Stack,
  since: string,
  signal: AbortSignal,
  tell: Tell,
  check: typeof runCheck,
): Promise<Summary> {
  const until = performance.now() + settleTimeoutMs;
  for (;;) {
    try {
      const { summary, due, findings } = await check({ ...checkTarget(stack), since });
      if (isSound(summary) && due) return summary;
      if (performance.now() > until) {
        for (const { kind, about, why } of findings) tell(`${kind} ${about}: ${why}`);
        return summary;
      }
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await pause(pollMs, signal);
  }
}

/**
 * Whether the outage that loses answers became one incident with its slips. Looks until it is so: incidents follow the verdicts by
 * some seconds. Then what is found stands, and is told.
 */
export async function settledOutage(
  stack: Stack,
  { since, lost }: Pick<PlayedDemo, 'since' | 'lost'>,
): Promise<JudgedOutage> {
  const until = performance.now() + settleTimeoutMs;
  for (;;) {
    try {
      const [truth, slips, incidents] = await Promise.all([
        readTruth(stack.simulatorUrl),
        readSlips(stack.env.LEDGER_URL!, stack.env.TOKEN_OPS!, since),
        readIncidents(stack, since),
      ]);
      const judged = judgeOutage(lost, { truth, slips, incidents });
      if (isRight(judged)) return judged;
      if (performance.now() > until) {
        for (const incident of incidents) console.error(inWords(incident));
        return judged;
      }
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function isRight({
  incidents,
  own_incidents: own,
  outage_slips: lost,
  incident_differs: differs,
}: JudgedOutage): boolean {
  return differs === 0 && (lost === 0 ? incidents === 0 : incidents === 1 || (incidents === 0 && own > 0));
}

function inWords({ id, provider, since, until, causes, slips }: ShownIncident): string {
  const why = causes.map(({ code, slips: count }) => `${count} ${code}`).join(', ');
  return `incident ${id} of ${provider ?? 'our own'} from ${since} to ${until}: ${slips.length} slips (${why})`;
}

/** Redraws the table on a terminal; elsewhere says a line now and then. */
async function showTable(stack: Stack, since: string, signal: AbortSignal): Promise<void> {
  const isTerminal = process.stderr.isTTY === true;
  let drawn = 0;
  for (let round = 0; !signal.aborted; round++) {
    const slips = await tryRead(stack, since);
    if (isTerminal) {
      if (drawn > 0) process.stderr.write(`\u001b[${drawn}A\u001b[J`);
      const table = renderTable(slips);
      process.stderr.write(`${table}\n`);
      drawn = table.split('\n').length;
    } else if (round % 10 === 0) {
      const done = slips.filter(hasEnded).length;
      console.error(
        `${slips.length} slips, ${done} ended, ${slips.filter((slip) => slip.overdue).length} overdue`,
      );
    }
    await pause(pollMs, signal).catch(() => {});
  }
}

/** The ledger may be restarting (drills kill it): then there is nothing to show this time. */
async function tryRead(stack: Stack, since: string): Promise<ShownSlip[]> {
  try {
    return await readSlips(stack.env.LEDGER_URL!, stack.env.TOKEN_OPS!, since);
  } catch {
    return [];
  }
}

function describe(summary: Summary, outage: JudgedOutage): string {
  const { slips, returned, recovered, not_returned, refunded, rejected, open_cases } = summary;
  return (
    `${slips} slips: ${returned} returned in time, ${recovered} recovered, ${not_returned} not returned, ` +
    `${refunded} refunded, ${rejected} rejected, ${open_cases} open cases. ` +
    `False alarms ${summary.false_alarms}, missed ${summary.missed}, lost events ${summary.lost_events}, ` +
    `executed twice ${summary.executed_twice}, money differs ${summary.money_differs}, ` +
    `verdict differs ${summary.verdict_differs}, ledger ${summary.ledger_balanced ? 'balanced' : 'NOT balanced'}. ` +
    tellOutage(outage)
  );
}

/** The data of earlier feeds are kept: where little happened in between, an incident of theirs goes on in this one. */
function tellOutage({
  incidents,
  own_incidents: own,
  outage_slips: lost,
  incident_differs: differs,
}: JudgedOutage): string {
  const ours = own > 0 ? `, ${own} of our own` : '';
  if (incidents + own === 0 && lost > 0)
    return `The outage that lost ${lost} answers made no incident of its own: \`slipctl incidents --status all\` says whether it is part of one that began in an earlier feed.`;
  return `The outage that lost ${lost} answers: ${incidents} incidents${ours}, ${differs} of its slips differ.`;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
