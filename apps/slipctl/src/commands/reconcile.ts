import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '@slipstream/kernel';
import type { Command } from 'commander';
import { Api } from '../api.ts';
import { brokersOf, setting } from '../config.ts';
import type { LetterView } from '../dlq/views.ts';
import { exitCodes, exitCodesHelp } from '../exit.ts';
import type { ClockView } from '../import/wait.ts';
import type { RediagnosisView } from '../reconcile/rediagnosed.ts';
import type { Compared } from '../reconcile/shadow.ts';
import { type CommandContext, requireSpan, timeOption, timeoutOption } from './options.ts';

interface Flags {
  brokers?: string;
  reconciliationUrl?: string;
  token?: string;
  from?: Instant;
  to?: Instant;
  timeout: number;
  json?: true;
}

const help = `
Reads every slip's events from the first one on, finds again which answers had not come by their deadlines, and compares that
with the verdicts (SlipOverdue of the outcome stage) that were recorded: a verdict is a function of the log. Nothing is written.
Deadlines later than the reconciler has judged are left out, and slips that wait behind a dead letter are counted apart.

Examples:
  $ slipctl reconcile diff
  $ slipctl reconcile diff --from 2026-11-26T00:00:00Z --to 2026-11-26T01:00:00Z --json
`;

const diagnosesHelp = `
Makes each diagnosis (SlipDiagnosed) of the log again by the rules of this release: from the slip's events before it, and the stalls of our own
services that it names. Shows what it was, what it would be, and the version of the rules that found it. Nothing is written.
What an older version found is made again by that version, too, and must be the same.
A diagnosis without a version is from before they had one, and does not name the stalls that it knew.

Examples:
  $ slipctl reconcile diagnoses
  $ slipctl reconcile diagnoses --from 2026-11-26T00:00:00Z --json
`;

/** Differences that people are shown; --json has all. */
const shownMax = 50;
const lookAgainMs = 250;

export function addReconcile(program: Command, context: CommandContext): void {
  const { print, terminal, exit, nowMs } = context;
  const group = program.command('reconcile').description('Replay what the reconciler decided.');
  addDiagnoses(group, context);
  group
    .command('diff')
    .description(
      'Replay the log into a shadow reconciler, and show verdicts that differ from those recorded.',
    )
    .option('--brokers <list>', 'else KAFKA_BROKERS')
    .option('--reconciliation-url <url>', 'else RECONCILIATION_URL')
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .option('--from <time>', 'only verdicts about deadlines from then on', timeOption)
    .option('--to <time>', 'only verdicts about deadlines up to then', timeOption)
    .addOption(timeoutOption('longest wait for an answer, and for verdicts that are on their way', '10s'))
    .option('--json', 'print all that was found as JSON')
    .addHelpText('after', help + exitCodesHelp)
    .action(async (flags: Flags) => {
      requireSpan(flags);
      const [{ judgedBy, Shadow }, { SlipLog }] = await Promise.all([
        import('../reconcile/shadow.ts'),
        import('../reconcile/slip-log.ts'),
      ]);
      const reconciliation = new Api({
        name: 'reconciliation',
        url: setting('reconciliationUrl', flags.reconciliationUrl),
        token: setting('token', flags.token),
        timeoutMs: flags.timeout,
      });
      // Before the log is read: what was judged by now stands in it, or is on its way.
      const judgedThrough = await readJudgedThrough(reconciliation);
      const log = await SlipLog.open(brokersOf(flags.brokers), judgedBy);
      const progress = terminal.progress('records');
      const shadow = new Shadow();
      const compare = async () =>
        shadow.compare({
          judgedThrough,
          setAside: await readSetAside(reconciliation),
          from: flags.from ?? null,
          to: flags.to ?? null,
        });
      try {
        const until = nowMs() + flags.timeout;
        let compared: Compared;
        for (;;) {
          await log.readOn(
            (event) => shadow.take(event),
            (done, total) => progress.update(done, total),
          );
          compared = await compare();
          if (compared.differences.every(({ kind }) => kind !== 'missing') || nowMs() > until) break;
          await sleep(lookAgainMs);
        }
        progress.stop();
        print(flags.json ? JSON.stringify(toJson(compared, log.records)) : toText(compared, log.records));
        if (compared.differences.length > 0) exit(exitCodes.bad);
      } finally {
        progress.stop();
        await log.close();
      }
    });
}

function addDiagnoses(group: Command, { print, terminal, exit }: CommandContext): void {
  group
    .command('diagnoses')
    .description('Make the diagnoses of the log again by the rules of this release, and show which differ.')
    .option('--brokers <list>', 'else KAFKA_BROKERS')
    .option('--from <time>', 'only diagnoses made from then on', timeOption)
    .option('--to <time>', 'only diagnoses made before then', timeOption)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', diagnosesHelp + exitCodesHelp)
    .action(async (flags: Pick<Flags, 'brokers' | 'from' | 'to' | 'json'>) => {
      requireSpan(flags);
      const { brokers, from, to, json } = flags;
      const [{ isRepeated, rediagnosisText }, { runLogProgram }, { snakeJson }] = await Promise.all([
        import('../reconcile/rediagnosed.ts'),
        import('../log-program.ts'),
        import('../output/snake-json.ts'),
      ]);
      const asked = { brokers: brokersOf(brokers), from: from ?? null, to: to ?? null };
      const progress = terminal.progress('records');
      try {
        const view = await runLogProgram<RediagnosisView>('rediagnose', asked, {
          ...{ what: 'diagnoses', onProgress: progress.update },
        });
        progress.stop();
        print(json ? JSON.stringify(snakeJson(view)) : rediagnosisText(view));
        if (!isRepeated(view)) exit(exitCodes.bad);
      } finally {
        progress.stop();
      }
    });
}

async function readJudgedThrough(reconciliation: Api): Promise<Map<string, Instant | null>> {
  const { clocks } = await reconciliation.get<{ clocks: ClockView[] }>('v1/watermarks');
  return new Map(clocks.map(({ clock, judged_through }) => [clock, judged_through]));
}

async function readSetAside(reconciliation: Api): Promise<Set<string>> {
  const slips = new Set<string>();
  for await (const page of reconciliation.pages<LetterView>('v1/dead-letters', { page_size: '1000' })) {
    for (const { slip, key, status } of page)
      if (status === 'parked' || status === 'queued') slips.add(slip ?? key ?? '');
  }
  return slips;
}

function toJson({ slips, verdicts, setAside, differences }: Compared, records: number) {
  return {
    ok: differences.length === 0,
    ...{ records, slips, verdicts, set_aside: setAside },
    differences: differences.map(({ slipId, ...rest }) => ({ slip_id: slipId, ...rest })),
  };
}

function toText({ slips, verdicts, setAside, differences }: Compared, records: number): string {
  const lines = differences
    .slice(0, shownMax)
    .map(
      ({ kind, slipId, clock, deadline, detail }) => `${kind}  ${slipId}  ${clock}  ${deadline}  ${detail}`,
    );
  if (differences.length > shownMax)
    lines.push(`… and ${differences.length - shownMax} more (--json has all)`);
  if (setAside > 0) lines.push(`${setAside} slips wait behind dead letters and have no verdict`);
  const said =
    differences.length === 0
      ? 'The verdicts are what the log says'
      : 'The verdicts are NOT what the log says';
  lines.push(
    `${said}: ${verdicts} of ${slips} slips were overdue, ${differences.length} differences, ${records} records read.`,
  );
  return lines.join('\n');
}
