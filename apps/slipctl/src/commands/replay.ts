import { existsSync, readFileSync } from 'node:fs';
import type { Instant } from '@slipstream/kernel';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError, exitCodesHelp, messageOf } from '../exit.ts';
import { holdNote, requirePlainFile } from '../note.ts';
import { requireOutputs } from '../output/whole-file.ts';
import type { LoggedRecord, RecordSource, Span } from '../replay/records.ts';
import { previewJson, previewText, summaryJson, summaryText } from '../replay/render.ts';
import type { Replayed } from '../replay/run-replay.ts';
import {
  isMeant,
  type OffsetRange,
  parseOffsets,
  requireStillThere,
  type Selection,
  spansOf,
} from '../replay/selection.ts';
import { parseSpeed, type Speed } from '../replay/speed.ts';
import { newState, type ReplayState, readState, removeState, writeState } from '../replay/state-file.ts';
import type { Target } from '../replay/targets.ts';
import { Unseen, type UnseenNames } from '../replay/unseen.ts';
import { requireTypes } from './event-types.ts';
import { type CommandContext, requireSpan, timeOption } from './options.ts';

interface Flags {
  source: 'topic' | 'log';
  from?: Instant;
  to?: Instant;
  offsets?: (readonly [number, OffsetRange])[];
  slip?: string[];
  slips?: string;
  type?: string[];
  by?: (typeof publishers)[number][];
  clock?: string;
  out?: string;
  topic?: string;
  speed: Speed;
  preview?: true;
  yes?: true;
  state?: string;
  resume?: true;
  brokers?: string;
  databaseUrl?: string;
  json?: true;
}

const help = `
Writes events again as they stand in the log: by time across partitions, and of each slip in its own order. Nothing that services
read is ever written to: --topic takes no topic of Slipstream's own. Without --yes, --topic counts only.
To a file and to a topic a replay that was interrupted, or killed, goes on with --resume without a gap or a repeat; to
standard output, with --state FILE, after Ctrl-C.

Examples:
  slipctl replay --preview                                          how much there is, by type
  slipctl replay --from 2026-11-26T00:00:00Z --type slipstream.slip.overdue.v1
  slipctl replay --slips lost.txt --out lost.ndjson
  slipctl replay --offsets 3:100-200 --source log
  slipctl replay --topic incident-42 --from 2026-11-26T09:00:00Z --to 2026-11-26T10:00:00Z --speed 10x --yes

\`slipctl reconcile diff\` replays into a shadow reconciler, \`slipctl projection rebuild\` into a shadow projection.`;

const publishers = ['intake', 'gateway', 'ledger', 'reconciliation', 'notification'] as const;

export function addReplay(program: Command, context: CommandContext): void {
  program
    .command('replay')
    .description('Write past events again: to standard output, a file, or a topic that nobody acts on.')
    .addOption(
      new Option('--source <where>', "the topic, or the ledger's log")
        .choices(['topic', 'log'])
        .default('topic'),
    )
    .option('--from <time>', 'events from then on (RFC 3339)', timeOption)
    .option('--to <time>', 'events before then', timeOption)
    .option('--offsets <partition:from-to...>', 'of these partitions alone, both included', offsetsOption)
    .option('--slip <id...>', 'of these slips')
    .option('--slips <file>', 'of the slips in the file, an id a line')
    .option('--type <type...>', 'as in slipstream.slip.returned.v1')
    .addOption(new Option('--by <service...>', 'who published it').choices([...publishers]))
    .option('--clock <name>', 'default: any')
    .option('--out <file>', 'a new file of lines (NDJSON); else standard output')
    .option('--topic <name>', 'a topic for replays; made if there is none, with the same partitions')
    .addOption(
      new Option('--speed <speed>', 'max, real, or so many times as fast as it happened, like 10x')
        .argParser(speedOption)
        .default(null, 'max'),
    )
    .option('--preview', 'count only')
    .option('--yes', 'with --topic: do it')
    .option('--state <file>', 'where it is noted how far it came (with --out: FILE.replay)')
    .option('--resume', 'go on where it was interrupted, with the same options')
    .option('--brokers <list>', 'host:port,… (else KAFKA_BROKERS)')
    .option('--database-url <url>', "of --source log (else DATABASE_URL: the server's database `ledger`)")
    .option('--json', 'print counts and summary as JSON')
    .addHelpText('after', `${help}\n${exitCodesHelp}`)
    .action((flags: Flags) => replay(flags, context));
}

async function replay(flags: Flags, context: CommandContext): Promise<void> {
  const { out, topic } = flags;
  if (out !== undefined && topic !== undefined)
    throw new CliError('usage', '--out and --topic are two places: give one');
  requireSpan(flags);
  const stateFile = flags.state ?? (out !== undefined ? `${out}.replay` : topic && `${topic}.replay`) ?? null;
  if (flags.resume && stateFile === null)
    throw new CliError('usage', '--resume needs --state FILE, or the --out or --topic that it began with');
  const selection = await selectionOf(flags);
  const { source: log, from, to, offsets, slip, slips, type, by, clock } = flags;
  const meant = { source: log, from, to, offsets, slip, slips, type, by, clock, out, topic };
  const [{ targetProblem }, { openSource, openTarget }] = await Promise.all([
    import('../replay/guarded-bus.ts'),
    import('../replay/places.ts'),
  ]);
  const problem = topic === undefined ? null : targetProblem(topic);
  if (problem !== null) throw new CliError('usage', problem);
  const isPreview = flags.preview || (topic !== undefined && !flags.yes);
  if (!isPreview) await requirePlaces({ out, stateFile, slips });
  if (!isPreview && !flags.resume && stateFile !== null && existsSync(stateFile))
    throw new CliError(
      'usage',
      `${stateFile} is of a replay that was interrupted: --resume goes on, or remove it`,
    );
  const letGo = !isPreview && stateFile !== null ? holdNote(stateFile, 'replay') : () => {};
  const resumed = flags.resume ? readState(stateFile!, meant) : null;
  const source = await openSource(flags);
  try {
    const log = await source.spans();
    if (resumed) requireStillThere(log, resumed);
    const spans = resumed ? upTo(spansOf(selection, log), resumed.ends) : spansOf(selection, log);
    // What an older release noted does not say: nothing is told of it then.
    const unseen = new Unseen(selection, resumed ? (resumed.unseen ?? nothingUnseen) : null);
    if (isPreview) return await preview(flags, { source, spans, selection, unseen }, context);
    const state = resumed ?? newState(meant, spans);
    const target = await openTarget(flags, { state, isResumed: resumed !== null, log }, context.write);
    try {
      const meant = { source, spans, selection, unseen };
      const done = await run(flags, { ...meant, target, state, stateFile }, context);
      tell(flags, done, stateFile, context);
      if (done.done) requireSeen(unseen);
    } catch (error) {
      // Without a state there is nothing to go on with, and what is there already is not written over.
      if (resumed === null && stateFile !== null && !existsSync(stateFile)) await target.discard();
      throw error;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
    letGo();
  }
}

/** @throws CliError (usage) where one cannot be written: nothing has been made then */
async function requirePlaces(of: {
  out: string | undefined;
  stateFile: string | null;
  slips: string | undefined;
}): Promise<void> {
  const { out, stateFile, slips } = of;
  await requireOutputs(
    { '--out': out, '--state': stateFile ?? undefined },
    slips === undefined ? [] : [slips],
  );
  if (stateFile !== null) requirePlainFile(stateFile, 'replay');
}

interface Meant {
  readonly source: RecordSource;
  readonly spans: ReadonlyMap<number, Span>;
  readonly selection: Selection;
  readonly unseen: Unseen;
}

const nothingUnseen: UnseenNames = { slips: [], clock: null };

const seeing =
  ({ selection, unseen }: Meant) =>
  (record: LoggedRecord): boolean => {
    unseen.see(record);
    return isMeant(selection, record);
  };

/** Told last: what there is of the others was replayed. @throws CliError (bad) */
function requireSeen(unseen: Unseen): void {
  const problem = unseen.problem();
  if (problem !== null) throw new CliError('bad', problem);
}

async function preview(flags: Flags, meant: Meant, { terminal, print }: CommandContext): Promise<void> {
  const { count } = await import('../replay/count.ts');
  const progress = terminal.progress('records');
  try {
    const counted = await count(meant.source, meant.spans, seeing(meant), progress);
    progress.stop();
    print(flags.json ? JSON.stringify(previewJson(counted)) : previewText(counted));
    if (!flags.preview) terminal.say('nothing was written: add --yes');
    requireSeen(meant.unseen);
  } finally {
    progress.stop();
  }
}

async function run(
  flags: Flags,
  {
    target,
    state,
    stateFile,
    ...meant
  }: Meant & { target: Target; state: ReplayState; stateFile: string | null },
  { terminal, nowMs, interruptible }: CommandContext,
): Promise<Replayed> {
  const { runReplay } = await import('../replay/run-replay.ts');
  const progress = terminal.progress('records');
  const note = (noted: ReplayState) => {
    if (stateFile !== null) writeState(stateFile, { ...noted, unseen: meant.unseen.names });
  };
  try {
    return await runReplay({
      ...{ source: meant.source, spans: meant.spans, target, state, note, nowMs, progress },
      ...{ speed: flags.speed, signal: interruptible(), isMeant: seeing(meant) },
    });
  } finally {
    progress.stop();
  }
}

function tell(
  { out, topic, json }: Flags,
  done: Replayed,
  stateFile: string | null,
  { terminal, print }: CommandContext,
): void {
  if (done.done && stateFile !== null) removeState(stateFile);
  const text = json ? JSON.stringify(summaryJson(done)) : summaryText(done, stateFile !== null);
  // Standard output may be the events themselves.
  if (out === undefined && topic === undefined) terminal.say(text);
  else print(text);
}

async function selectionOf({ from, to, offsets, slip, slips, type, by, clock }: Flags): Promise<Selection> {
  await requireTypes(type);
  const { sources } = await import('@slipstream/contracts');
  const named =
    slip === undefined && slips === undefined
      ? null
      : [...(slip ?? []), ...(slips === undefined ? [] : linesIn(slips))].filter((one) => one !== '');
  if (named?.length === 0) throw new CliError('usage', '--slip and --slips name no slip');
  return {
    ...{ from: from ?? null, to: to ?? null, clock: clock ?? null },
    offsets: offsets ? new Map(offsets) : null,
    slips: named && new Set(named),
    types: type ? new Set(type) : null,
    sources: by ? new Set(by.map((service) => sources[service])) : null,
  };
}

function linesIn(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split(/\s+/)
      .filter((line) => line !== '');
  } catch (error) {
    throw new CliError('usage', `--slips cannot be read: ${messageOf(error)}`);
  }
}

/** What has come since a replay began is not part of it. */
function upTo(
  spans: ReadonlyMap<number, Span>,
  ends: Readonly<Record<string, number>>,
): ReadonlyMap<number, Span> {
  return new Map(
    [...spans].map(([partition, { start, end }]) => [
      partition,
      { start, end: Math.min(end, ends[partition] ?? end) },
    ]),
  );
}

function offsetsOption(text: string, before: (readonly [number, OffsetRange])[] = []) {
  const range = parseOffsets(text);
  if (range === null)
    throw new InvalidArgumentError('a partition and offsets are needed, like 3:100-200 or 3:100-');
  if (before.some(([partition]) => partition === range[0]))
    throw new InvalidArgumentError('name each partition once');
  return [...before, range];
}

function speedOption(text: string): Speed {
  const speed = parseSpeed(text);
  if (speed === undefined) throw new InvalidArgumentError('max, real or a number is needed, like 10x');
  return speed;
}
