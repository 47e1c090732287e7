import type { Command } from 'commander';
import { exitCodesHelp } from '../exit.ts';
import { apiOf } from '../services.ts';
import { findSlip } from '../timeline/find-slip.ts';
import { type CommandContext, nameOption, timeoutOption } from './options.ts';

interface Flags {
  clock?: string;
  token?: string;
  timeout: number;
  json?: true;
}

const examples = `
Examples:
  slipctl get ord-1001
  slipctl get ord-1001 --json | jq .status`;

export function addGet(program: Command, { print }: CommandContext): void {
  program
    .command('get')
    .description('Show one slip as the API does (JSON).')
    .argument('<slip>', 'a slip id or a reference')
    .option('--clock <name>', 'where to look for the reference (default: the wall clock)', nameOption)
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for one answer', '10s'))
    .option('--json', 'on one line')
    .addHelpText('after', `${examples}\n${exitCodesHelp}`)
    .action(async (name: string, flags: Flags) => {
      const slip = await findSlip(apiOf('ledger', flags), name, flags.clock ?? null);
      print(flags.json ? JSON.stringify(slip) : JSON.stringify(slip, null, 2));
    });
}
