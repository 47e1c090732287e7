import { resolve } from 'node:path';
import { type Instant, wallClock } from '@slipstream/kernel';
import type { Command } from 'commander';
import type { BacktestView } from '../backtest/views.ts';
import { brokersOf, variables } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { requireOutputs, writeWhole } from '../output/whole-file.ts';
import { type CommandContext, nameOption, requireSpan, timeOption } from './options.ts';

interface Flags {
  config: string;
  was: string[];
  from?: Instant;
  to?: Instant;
  clock: string;
  brokers?: string;
  svg?: string;
  json?: true;
}

const help = `
Lives the slips of the log again under other rules: deadlines, ladders, quiet periods, grace, circuits and early-warning thresholds. Verdicts, questions
and refunds are decided by the reconciler's own code; what providers and callers said comes as it came. Nothing is written or called.
A deadline that a caller gave stays as it is. What people did, repair budgets, retries and failover are left out;
what a provider's circuit would have done is told of the calls as they were made. Who was asked when
nobody had asked him yet says what he said first, and the report counts how often that was assumed.
What it cannot judge of a changed setting it names as not judged.

Examples:
  slipctl backtest --config changed.yaml
  slipctl backtest --config changed.yaml --was slipstream.config.yaml --from 2026-11-26T00:00:00Z --svg backtest.svg
  slipctl backtest --config slipstream.config.yaml --json`;

export function addBacktest(program: Command, context: CommandContext): void {
  program
    .command('backtest')
    .description('What would other rules have done with the slips of the log?')
    .requiredOption('--config <file>', 'the other rules')
    .option(
      '--was <file>',
      'rules that slips were submitted under; may be repeated',
      (file: string, before: string[]) => [...before, file],
      [],
    )
    .option('--from <time>', 'slips submitted from then on (RFC 3339)', timeOption)
    .option('--to <time>', 'slips submitted before then', timeOption)
    .option('--clock <name>', 'the clock of an import', nameOption, wallClock)
    .option('--svg <file>', 'draw it, too')
    .option('--brokers <list>', 'host:port,… (else KAFKA_BROKERS)')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `${help}\n\nWithout --was it is the file that SLIPSTREAM_CONFIG names, or slipstream.config.yaml.\n${exitCodesHelp}`,
    )
    .action((flags: Flags) => backtest(flags, context));
}

async function backtest(flags: Flags, { terminal, print, exit }: CommandContext): Promise<void> {
  const { config, from, to, clock, svg } = flags;
  requireSpan(flags);
  const were = flags.was.length > 0 ? flags.was : [variables.SLIPSTREAM_CONFIG || 'slipstream.config.yaml'];
  const asked = {
    ...{ brokers: brokersOf(flags.brokers), clock, from: from ?? null, to: to ?? null },
    ...{ other: resolve(config), were: were.map((file) => resolve(file)) },
  };
  const [{ backtestText, leadMs }, { unjudged }, { rulesIn }, { snakeJson }, { runLogProgram }] =
    await Promise.all([
      import('../backtest/render.ts'),
      import('../backtest/unjudged.ts'),
      import('../rules/rules-file.ts'),
      import('../output/snake-json.ts'),
      import('../log-program.ts'),
    ]);
  await requireOutputs({ '--svg': svg }, [config, ...were]);
  const progress = terminal.progress('records');
  try {
    const found = await runLogProgram<Omit<BacktestView, 'notJudged'>>('backtest', asked, {
      ...{ what: 'backtest', onProgress: progress.update },
    });
    progress.stop();
    const view: BacktestView = { ...found, notJudged: unjudged(were.map(rulesIn), rulesIn(config)) };
    const withLead = (warnings: BacktestView['warnings']) =>
      warnings.map((warning) => ({ ...warning, leadMs: leadMs(warning) }));
    const { warnings, warned } = view;
    const json = { ...view, warnings: withLead(warnings), warned: withLead(warned) };
    print(flags.json ? JSON.stringify(snakeJson(json)) : backtestText(view));
    // Shown first: where the file cannot be written, what was found is not lost.
    if (svg !== undefined) await writeWhole(svg, [(await import('../backtest/chart.ts')).backtestSvg(view)]);
    const slips = view.routes.reduce((sum, route) => sum + route.slips, 0);
    if (slips === 0 && clock !== wallClock)
      throw new CliError('bad', `no slip that was looked at is on the clock ${clock}`);
    if (view.verdictsDiffer > 0) exit(exitCodes.bad);
  } finally {
    progress.stop();
  }
}
