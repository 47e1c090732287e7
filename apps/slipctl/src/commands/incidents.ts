import { type Command, Option } from 'commander';
import { CliError } from '../exit.ts';
import {
  type IncidentSlipView,
  type IncidentView,
  incidentSlipTable,
  incidentTable,
} from '../lists/render-incidents.ts';
import { apiOf } from '../services.ts';
import { given, type ListFlags, list, withListOptions } from './lists.ts';
import type { CommandContext } from './options.ts';

const examples = `
Examples:
  slipctl incidents                          outages that go on, ours and providers'
  slipctl incidents --status all --provider acme --json
  slipctl incidents --slips INCIDENT --all   all slips of one, and what became of each

\`slipctl cases --incident ID\` lists the cases of one.`;

export function addIncidents(program: Command, context: CommandContext): void {
  const command = program
    .command('incidents')
    .description('List incidents, the newest first: outages, with the slips that missed their deadlines.')
    .addOption(
      new Option('--status <status>', 'open, closed, or all')
        .choices(['open', 'closed', 'all'])
        .default('open'),
    )
    .option('--provider <id>', 'whose outage')
    .option('--slips <incident>', 'the slips of this one instead, the last that was dispatched first');
  withListOptions(command, examples).action(
    async (flags: ListFlags & { status: string; provider?: string; slips?: string }) => {
      const { status, provider, slips } = flags;
      if (slips !== undefined) {
        if (provider !== undefined || command.getOptionValueSource('status') === 'cli')
          throw new CliError(
            'usage',
            '--slips lists all slips of one incident: leave --status and --provider out',
          );
        await list<IncidentSlipView>(context, flags, {
          api: apiOf('reconciliation', flags),
          path: `v1/incidents/${encodeURIComponent(slips)}/slips`,
          query: {},
          show: incidentSlipTable,
        });
        return;
      }
      await list<IncidentView>(context, flags, {
        api: apiOf('reconciliation', flags),
        path: 'v1/incidents',
        query: given({ status: status === 'all' ? undefined : status, provider }),
        show: incidentTable,
      });
    },
  );
}
