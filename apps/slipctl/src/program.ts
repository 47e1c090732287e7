import { createRequire } from 'node:module';
import { nearest } from '@slipstream/kernel';
import { Command } from 'commander';
import { addBacktest } from './commands/backtest.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addDlq } from './commands/dlq.ts';
import { addEvents } from './commands/events.ts';
import { addExport } from './commands/export.ts';
import { addGet } from './commands/get.ts';
import { addImport } from './commands/import.ts';
import { addIncidents } from './commands/incidents.ts';
import { addLag, addTopics } from './commands/kafka.ts';
import { addCases, addSlips } from './commands/lists.ts';
import { addMigrate } from './commands/migrate.ts';
import type { CommandContext } from './commands/options.ts';
import { addPartitions } from './commands/partitions.ts';
import { addProjection } from './commands/projection.ts';
import { addProve } from './commands/prove.ts';
import { addProvider } from './commands/provider.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addReplay } from './commands/replay.ts';
import { addRestore } from './commands/restore.ts';
import { addBreaks, addStatements } from './commands/statements.ts';
import { addStatus } from './commands/status.ts';
import { addSuspense } from './commands/suspense.ts';
import { addTail } from './commands/tail.ts';
import { addTimeline } from './commands/timeline.ts';
import { addVerify } from './commands/verify.ts';
import { addWatermarks } from './commands/watermarks.ts';
import { exitCodesHelp } from './exit.ts';
import { fitHelp } from './output/fit-help.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const help = `
Read from the environment, as \`npm run stack\` sets it: KAFKA_BROKERS, INTAKE_URL, GATEWAY_URL, LEDGER_URL,
RECONCILIATION_URL, TOKEN_SRE (or TOKEN_OPS), and TOKEN_OPS and TOKEN_APPROVER for decisions about money. Answers go to standard output, everything else to standard error.
Begin with: slipctl status, slipctl cases, slipctl timeline SLIP. With --debug an error shows where it comes from.
${exitCodesHelp}`;

/** Commander tells what there is to choose from, and not what was probably meant, as it does of options and commands. */
function withHint(text: string): string {
  const [, told = '', choices = ''] = /'([^']*)' is invalid.*Allowed choices are (.*)\.\s*$/.exec(text) ?? [];
  const found = nearest(told, choices.split(', '));
  return found === null ? text : `${text.trimEnd()}\n(Did you mean ${found}?)\n`;
}

/** The whole command line. Commander's own errors are thrown, not exited on. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('slipctl')
    .description(
      'Operate Slipstream: see whether something is wrong, list slips and cases, decide about money that waits for people, look at the life of one, follow events, replay them, import past slips, export what is there, see how far clocks are judged, redrive dead letters, let stopped partitions go on, check a rules file, verify the log, hold verdicts against it, live it again under other rules, rebuild what is kept beside it, find out what a provider really does.',
    )
    .version(version, '--version', 'print the version')
    .exitOverride()
    // Descriptions are broken on a narrow terminal, too.
    .configureHelp({ minWidthToWrap: 20 })
    // Commands take both over from the program when they are made.
    .configureOutput({
      outputError: (text) => context.refuse(withHint(text)),
      writeOut: (text) => process.stdout.write(fitHelp(text, process.stdout.columns)),
      writeErr: (text) => process.stderr.write(fitHelp(text, process.stderr.columns)),
    })
    .addHelpText('after', help);
  addStatus(program, context);
  addSlips(program, context);
  addCases(program, context);
  addIncidents(program, context);
  addBreaks(program, context);
  addStatements(program, context);
  addSuspense(program, context);
  addEvents(program, context);
  addGet(program, context);
  addTail(program, context);
  addTimeline(program, context);
  addTopics(program, context);
  addImport(program, context);
  addBacktest(program, context);
  addCompletion(program, context);
  addConfig(program, context);
  addDlq(program, context);
  addExport(program, context);
  addLag(program, context);
  addMigrate(program, context);
  addPartitions(program, context);
  addProjection(program, context);
  addProve(program, context);
  addProvider(program, context);
  addReconcile(program, context);
  addReplay(program, context);
  addRestore(program, context);
  addVerify(program, context);
  addWatermarks(program, context);
  return program;
}
