import { parseArgs } from 'node:util';
import { interruptible, runCommand } from '@slipstream/environment';
import { drillDetection, type Trouble, troubles } from './detection.drill.ts';
import { drillDiagnosis } from './diagnosis.drill.ts';
import { ofMachines, ofSlips } from './diagnosis-plan.ts';
import { drillEarlyWarning } from './early-warning.drill.ts';
import { drillGateway } from './gateway.drill.ts';
import { drillHttp } from './http.drill.ts';
import { drillImport } from './import.drill.ts';
import { drillLedger } from './ledger.drill.ts';
import { drillOverload } from './overload.drill.ts';
import { drillPaging } from './paging.drill.ts';
import { drillPromise } from './promise.drill.ts';
import { drillProviders, settledShareMin } from './providers.drill.ts';
import { drillReplay } from './replay.drill.ts';
import { drillRestore, restorable } from './restore.drill.ts';

const usage = `usage: npm run drill -- NAME [options]
  restore          each service's database is put back from before the last payments, and the service is started:
                   nothing may be paid twice, no number used twice, nothing lost
  --service NAME   only one of ${restorable.join(', ')}; or together: all of them at once, each from another moment
  providers        slips through every provider with every fault of the simulator at once, judged by its truth:
                   none executed twice or by two, none lost, every one ended or an open case, 85 % settled,
                   the money in the books as the providers moved it
  --slips N        how many, default 2000
  --seed N         which faults they meet, default 1
  gateway          its processes' clock and its database's are 10 s off and jump, it is without its database while answers come, a provider is disabled
                   while slips come, and an instance stands still between intent and call: none is paid twice, none is lost, nothing is
                   sent after not_after or to who is disabled, nothing is given up
  --slips N        of each part, default 40
  promise          a provider executes later than it promised, and another one what it had confirmed to be cancelled: every such slip is
                   seen with its money, their word proves nothing any more, later slips are cases, and people restore it
  --slips N        of each provider, default 30
  diagnosis        slips that meet faults whose class was written down before: each of the simulator's, each service stopped and killed, the
                   broker stopped, a right or a database taken away, a line cut, a wrong address, frozen accounts, requests sent twice, and half
                   of them two at once: the confusion matrix; 95 % of the classes are right and at most 1 % wrong
  --slips N        of each fault, default 12
  --seed N         which meet two, in which order and for how long, default 1
  --only A,B       only these faults of machines, and of single slips
  http             hostile requests to every route that the services describe: no 5xx, no hang, no process ends
  --requests N     how many, default 20000
  --seed N         which, default 1
  detection        slips through every provider with every fault of the simulator, and meanwhile one trouble of our own; a run for
                   each: no false alarm, none missed, by the checker of \`npm start -- --exit\`
  --trouble NAME   only one of ${troubles.join(', ')}
  --slips N        of each run, default 10000
  --seed N         which faults they meet, default 1
  import           live slips all the time, alone and then beside an import: every live slip in time, no false alarm, and each verdict of the
                   import as its row says
  --rows N         of the import, default 100000
  --rate N         live slips a second, default 10
  --seed N         what the rows say, default 1
  early-warning    200 outages of one of four providers, and 1,000,000 slips of ordinary traffic, played to the reconciler's domain:
                   a warning before the first overdue of 95 % of those that lose 30 % or more, no false one
  --outages N      how many outages, default 200
  --slips N        of ordinary traffic, default 1000000
  --seed N         the first seed, default 1
  overload         five times what the stack can do: who is let in is answered within three times the time of before, the rest is sent away
                   at once with Retry-After, memory stays bounded, what was taken is served, and it recovers within seconds
  --times N        how many times, default 5
  --seconds N      how long, default 30
  ledger-kill      the ledger works off lives of every kind and is killed all the time: no event lost, none altered, no
                   posting twice, every invariant of the books by SQL alone, and reading the topic again changes no row
  --kills N        how often, default 100
  --events N       how many events, default 200000
  ledger-load      the same without kills, and more of it; then every projection is made anew and equals the live one, in at most 300 MiB
  --events N       how many events, default 1000000
  paging           all slips of full books are paged through both ways, and by a field without an index, while others come and change as
                   fast as the books take it: each that was known at the first page is there, once
  --slips N        how many, default 1000000
  --seed N         what comes meanwhile, default 1
  replay           a stack's log is filled by an import, and slipctl reads it: a timeline at once, a replay into a file, interrupted and gone on with
                   without a gap or a repeat, a shadow reconciler, a backtest, a shadow projection; none holds more than 300 MiB
  --events N       how many the log has, default 200000
  --seed N         what became of the slips, default 1
Breaks a stack of its own on purpose and shows a table; the last line of stdout is one JSON object.
Exit code 1 when something did not hold, 2 on wrong usage.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    service: { type: 'string' },
    trouble: { type: 'string' },
    slips: { type: 'string' },
    outages: { type: 'string' },
    requests: { type: 'string' },
    rows: { type: 'string' },
    rate: { type: 'string' },
    times: { type: 'string' },
    seconds: { type: 'string' },
    kills: { type: 'string' },
    events: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
/** A hundred a second at most, and for longer than a trouble lasts, so that it meets slips in all stages. */
const msPerSlip = 10;
/** Longer than a deadline, and than a consumer's session. */
const troubleMs = 30_000;
const say = (line: string) => console.error(line);
const slips = Number(values.slips ?? 2_000);
const diagnosed = Number(values.slips ?? 12);
const only = values.only?.split(',') ?? [];
const ordinarySlips = Number(values.slips ?? 1_000_000);
const outages = Number(values.outages ?? 200);
const rows = Number(values.rows ?? 100_000);
const livePerSecond = Number(values.rate ?? 10);
const requests = Number(values.requests ?? 20_000);
const seed = Number(values.seed ?? 1);
const times = Number(values.times ?? 5);
const floodS = Number(values.seconds ?? 30);
const kills = Number(values.kills ?? 100);
const restored =
  values.service === 'together'
    ? [restorable]
    : restorable
        .filter((name) => values.service === undefined || name === values.service)
        .map((name) => [name]);

const brought = troubles.filter((name) => values.trouble === undefined || name === values.trouble);
const detectedSlips = Number(values.slips ?? 10_000);

const drills: Readonly<Record<string, { usable: boolean; run: () => Promise<Done> }>> = {
  restore: { usable: restored.length > 0, run: restore },
  providers: { usable: isCount(seed, 0) && isCount(slips, 100), run: providers },
  gateway: { usable: values.slips === undefined || isCount(slips, 1), run: gateway },
  diagnosis: {
    usable: isCount(seed, 0) && isCount(diagnosed, 1) && only.every((name) => isFault(name)),
    run: diagnosis,
  },
  promise: { usable: values.slips === undefined || isCount(slips, 1), run: promise },
  detection: {
    usable: brought.length > 0 && isCount(seed, 0) && isCount(detectedSlips, 100),
    run: () => detection(brought),
  },
  import: { usable: isCount(seed, 0) && isCount(rows, 1) && isCount(livePerSecond, 1), run: imported },
  'early-warning': {
    usable: isCount(seed, 0) && isCount(outages, 6) && isCount(ordinarySlips, 1),
    run: earlyWarning,
  },
  overload: { usable: isCount(times, 1) && isCount(floodS, 1), run: overload },
  http: { usable: isCount(seed, 0) && isCount(requests, 1), run: http },
  'ledger-kill': ledger(eventsOr(200_000), kills),
  'ledger-load': ledger(eventsOr(1_000_000), 0),
  paging: { usable: isCount(seed, 0) && isCount(ordinarySlips, 100), run: paging },
  replay: { usable: isCount(seed, 0) && isCount(eventsOr(200_000), 1_000), run: replay },
};
const drill = Object.hasOwn(drills, positionals[0] ?? '') ? drills[positionals[0]!] : undefined;
if (values.help || positionals.length !== 1 || !drill?.usable) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
await runCommand(async (stop) => {
  const { table, line } = await interruptible(drill.run(), stop);
  console.table(table);
  console.log(JSON.stringify({ drill: positionals[0], ...line }));
  return line.ok ? 0 : 1;
});

/** What a drill shows, and its last line. */
interface Done {
  readonly table: readonly object[];
  readonly line: { readonly ok: boolean } & Readonly<Record<string, unknown>>;
}

async function gateway(): Promise<Done> {
  const parts = await drillGateway(
    { slips: Number(values.slips ?? 40), awayMs: 40_000, databaseClock: true },
    say,
  );
  return {
    table: parts,
    line: { parts: parts.map(({ part }) => part), ok: parts.every(({ holds }) => holds) },
  };
}

async function restore(): Promise<Done> {
  const results = await drillRestore(restored, say);
  const sum = (of: (result: (typeof results)[number]) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const line = {
    services: results.map((result) => result.services),
    second_payments: sum((result) => result.second_payments),
    reused_numbers: sum((result) => result.reused_numbers),
    lost: sum((result) => result.lost),
    found: sum((result) => result.found),
    ok: results.every((result) => result.holds),
  };
  return { table: results, line };
}

async function providers(): Promise<Done> {
  const { seeds, summary, holds } = await drillProviders(
    { seeds: [seed], slips, frozenMs: 10_000, settledShareMin },
    say,
  );
  return { table: seeds, line: { ...seeds[0]!, checker: summary, ok: holds } };
}

async function detection(wanted: readonly Trouble[]): Promise<Done> {
  const overMs = Math.max(detectedSlips * msPerSlip, 3 * troubleMs);
  const options = { seed, slips: detectedSlips, overMs, forMs: troubleMs };
  const runs = await drillDetection(wanted, options, say);
  const table = runs.map(({ troubles, seconds, slips, overdue, false_alarms, missed, holds, ...run }) => ({
    ...{ trouble: troubles.join(), seconds, slips, overdue, false_alarms, missed },
    ...{ read_not_durable: run.read_not_durable, lost_with_process: run.lost_with_process, holds },
  }));
  return { table, line: { seed, runs, ok: runs.every(({ holds }) => holds) } };
}

async function diagnosis(): Promise<Done> {
  const those = <Name extends string>(names: readonly Name[]) =>
    names.filter((name) => only.length === 0 || only.includes(name));
  const options = { seed, slips: diagnosed, faults: those(ofSlips), parts: those(ofMachines) };
  const { matrix, holds, ...sums } = await drillDiagnosis(options, say);
  const table = matrix.map(({ said, ...row }) => ({ ...row, said: JSON.stringify(said) }));
  return { table, line: { ...sums, seed, matrix, ok: holds } };
}

async function imported(): Promise<Done> {
  const { live, ...line } = await drillImport({ rows, seed, livePerSecond }, say);
  return { table: live, line: { ...line, live } };
}

async function promise(): Promise<Done> {
  const table = await drillPromise({ slips: Number(values.slips ?? 30) }, say);
  return { table, line: { promises: table, ok: table.every(({ holds }) => holds) } };
}

async function earlyWarning(): Promise<Done> {
  const line = drillEarlyWarning({ seed, outages, ordinarySlips }, say);
  return { table: [line], line: { ...line } };
}

async function overload(): Promise<Done> {
  const { faults, holds, ...figures } = await drillOverload({ times, floodS }, say);
  return { table: [figures], line: { ...figures, faults, ok: holds } };
}

async function http(): Promise<Done> {
  const { result, ok } = await drillHttp({ requests, seed }, say);
  const { statuses, failures, operations, ended } = result;
  return {
    table: [{ ...statuses, operations }],
    line: { requests, seed, statuses, failures: failures.length, processes_ended: ended, ok },
  };
}

async function paging(): Promise<Done> {
  const line = await drillPaging({ slips: ordinarySlips, seed }, say);
  return {
    table: line.paged.map(({ page_ms, ...counts }) => ({ ...counts, ...page_ms })),
    line: { ...line },
  };
}

async function replay(): Promise<Done> {
  const line = await drillReplay({ events: eventsOr(200_000), seed }, say);
  return { table: line.tried, line: { ...line } };
}

function eventsOr(usual: number): number {
  return Number(values.events ?? usual);
}

function ledger(events: number, times: number) {
  const run = async (): Promise<Done> => {
    const line = await drillLedger({ events, kills: times, seed, rebuilds: times === 0 }, say);
    const { broken, changed, differing, rebuilt, ...counts } = line;
    return { table: [counts, ...rebuilt], line: { ...line } };
  };
  return { usable: isCount(seed, 0) && isCount(events, 1) && isCount(times, 0), run };
}

function isFault(name: string): boolean {
  return [...ofSlips, ...ofMachines].some((one) => one === name);
}

function isCount(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min;
}
