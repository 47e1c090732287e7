import type { Command } from 'commander';
import { Api } from '../api.ts';
import { setting } from '../config.ts';
import { exitCodesHelp } from '../exit.ts';
import type { ClockView } from '../import/wait.ts';
import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import { type SightView, sightText } from '../status/sight.ts';
import { type CommandContext, timeoutOption } from './options.ts';

interface Flags {
  reconciliationUrl?: string;
  token?: string;
  timeout: number;
  json?: true;
}

interface Answer {
  readonly clocks: ClockView[];
  /** Left out by a release before this one. */
  readonly detector?: SightView;
}

const examples = `
Examples:
  slipctl watermarks
  slipctl watermarks --json | jq .detector`;

export function addWatermarks(program: Command, { print }: CommandContext): void {
  program
    .command('watermarks')
    .description('Show how far each clock is judged, and what was counted on it.')
    .option('--reconciliation-url <url>', 'else RECONCILIATION_URL')
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for the answer', '10s'))
    .option('--json', "print the API's data")
    .addHelpText('after', `${examples}\n${exitCodesHelp}`)
    .action(async ({ reconciliationUrl, token, timeout, json }: Flags) => {
      const reconciliation = new Api({
        name: 'reconciliation',
        url: setting('reconciliationUrl', reconciliationUrl),
        token: setting('token', token),
        timeoutMs: timeout,
      });
      const answer = await reconciliation.get<Answer>('v1/watermarks');
      print(json ? JSON.stringify(answer) : shown(answer));
    });
}

const header = ['clock', 'judged through', 'state', 'slips', 'open', 'overdue', 'not returned'];

export function clockTable(clocks: readonly ClockView[]): string {
  const rows = clocks.map(({ clock, judged_through, closed, concluded, counts }) => [
    clock,
    judged_through === null ? 'nothing yet' : showTime(judged_through),
    concluded ? 'concluded' : closed ? 'closed' : 'running',
    ...[counts.slips, counts.open, counts.overdue, counts.not_returned].map(String),
  ]);
  return table([header, ...rows]);
}

function shown({ clocks, detector }: Answer): string {
  return detector ? `${clockTable(clocks)}\ndetector: ${sightText(detector)}` : clockTable(clocks);
}
