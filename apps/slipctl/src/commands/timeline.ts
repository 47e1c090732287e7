import type { Command } from 'commander';
import { Api } from '../api.ts';
import { setting } from '../config.ts';
import { exitCodesHelp } from '../exit.ts';
import { eventsOf, findSlip } from '../timeline/find-slip.ts';
import { renderTimeline } from '../timeline/render.ts';
import { type CommandContext, nameOption, timeoutOption } from './options.ts';

interface Flags {
  clock?: string;
  ledgerUrl?: string;
  token?: string;
  timeout: number;
  json?: true;
}

export function addTimeline(program: Command, { print }: CommandContext): void {
  program
    .command('timeline')
    .description('Show the life of one slip: every event, who said it, and on what evidence.')
    .argument('<slip>', 'a slip id or a reference')
    .option('--clock <name>', 'where to look for the reference (default: the wall clock)', nameOption)
    .option('--ledger-url <url>', 'else LEDGER_URL')
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for one answer', '10s'))
    .option('--json', "print the API's data: {slip, events}")
    .addHelpText('after', exitCodesHelp)
    .action(async (name: string, { clock, ledgerUrl, token, timeout, json }: Flags) => {
      const ledger = new Api({
        name: 'ledger',
        url: setting('ledgerUrl', ledgerUrl),
        token: setting('token', token),
        timeoutMs: timeout,
      });
      const slip = await findSlip(ledger, name, clock ?? null);
      const events = await eventsOf(ledger, slip.id);
      print(json ? JSON.stringify({ slip, events }) : renderTimeline(slip, events));
    });
}
