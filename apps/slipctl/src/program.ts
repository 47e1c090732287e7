import { Command } from 'commander';
import { addConfig } from './commands/config.ts';
import { addDlq } from './commands/dlq.ts';
import { addImport } from './commands/import.ts';
import type { CommandContext } from './commands/options.ts';
import { addPartitions } from './commands/partitions.ts';
import { addProjection } from './commands/projection.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addTimeline } from './commands/timeline.ts';
import { addVerify } from './commands/verify.ts';
import { addWatermarks } from './commands/watermarks.ts';
import { exitCodesHelp } from './exit.ts';

const help = `
Read from the environment, as \`npm run stack\` sets it: KAFKA_BROKERS, INTAKE_URL, GATEWAY_URL, LEDGER_URL,
RECONCILIATION_URL, TOKEN_SRE (or TOKEN_OPS). Answers go to standard output, everything else to standard error.
${exitCodesHelp}`;

/** The whole command line. Commander's own errors are thrown, not exited on. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('slipctl')
    .description(
      'Operate Slipstream: import past slips, look at the life of one, see how far clocks are judged, redrive dead letters, let stopped partitions go on, check a rules file, verify the log, hold verdicts against it, rebuild what is kept beside it.',
    )
    .exitOverride()
    .addHelpText('after', help);
  addImport(program, context);
  addConfig(program, context);
  addDlq(program, context);
  addPartitions(program, context);
  addProjection(program, context);
  addReconcile(program, context);
  addTimeline(program, context);
  addVerify(program, context);
  addWatermarks(program, context);
  return program;
}
