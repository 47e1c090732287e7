import type { Command } from 'commander';
import { Api } from '../api.ts';
import { setting } from '../config.ts';
import type { LetterView } from '../dlq/views.ts';
import { type CliError, exitCodesHelp } from '../exit.ts';
import { askEach, knownServices } from '../services.ts';
import { eventsOf, findSlip } from '../timeline/find-slip.ts';
import type { SlipLetter } from '../timeline/render.ts';
import { type CommandContext, nameOption, timeoutOption } from './options.ts';

interface Flags {
  clock?: string;
  ledgerUrl?: string;
  token?: string;
  timeout: number;
  json?: true;
}

const examples = `
Examples:
  slipctl timeline ord-1001
  slipctl timeline ord-1001 --clock june     the slip of an import
  slipctl timeline ord-1001 --json

Evidence names events by their numbers. What services could not read is shown where their addresses are known.`;

export function addTimeline(program: Command, { print, terminal }: CommandContext): void {
  program
    .command('timeline')
    .description('Show the life of one slip: every event, who said it, and on what evidence.')
    .argument('<slip>', 'a slip id or a reference')
    .option('--clock <name>', 'where to look for the reference (default: the wall clock)', nameOption)
    .option('--ledger-url <url>', 'else LEDGER_URL')
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for one answer', '10s'))
    .option('--json', "print the APIs' data: {slip, events, dead_letters}")
    .addHelpText('after', `${examples}\n${exitCodesHelp}`)
    .action(async (name: string, { clock, ledgerUrl, token, timeout, json }: Flags) => {
      const ledger = new Api({
        name: 'ledger',
        url: setting('ledgerUrl', ledgerUrl),
        token: setting('token', token),
        timeoutMs: timeout,
      });
      const slip = await findSlip(ledger, name, clock ?? null);
      const events = await eventsOf(ledger, slip.id);
      const { renderTimeline } = await import('../timeline/render.ts');
      const letters = await lettersOf(slip.id, { token, timeout }, (error) =>
        terminal.say(`slipctl: dead letters: ${error.message}`),
      );
      print(
        json
          ? JSON.stringify({ slip, events, dead_letters: letters })
          : renderTimeline(slip, events, letters),
      );
    });
}

/** What the services whose address is known set aside of the slip. */
async function lettersOf(
  slipId: string,
  { token, timeout }: { token: string | undefined; timeout: number },
  failed: (error: CliError) => void,
): Promise<SlipLetter[]> {
  const services = knownServices({ token, timeoutMs: timeout });
  const query = { slip: slipId, page_size: '1000' };
  const pages = await askEach(
    services,
    ({ api }) => api.get<{ data: LetterView[] }>('v1/dead-letters', query),
    failed,
  );
  return pages
    .flatMap(({ service, data }) => data.map((letter) => ({ ...letter, service })))
    .toSorted((a, b) => (a.failed_at < b.failed_at ? -1 : 1));
}
