import { type Command, Option } from 'commander';
import { type IncidentView, incidentTable } from '../lists/render-incidents.ts';
import { apiOf } from '../services.ts';
import { given, type ListFlags, list, withListOptions } from './lists.ts';
import type { CommandContext } from './options.ts';

const examples = `
Examples:
  slipctl incidents                          outages that go on, ours and providers'
  slipctl incidents --status all --provider acme --json

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
    .option('--provider <id>', 'whose outage');
  withListOptions(command, examples).action(
    async (flags: ListFlags & { status: string; provider?: string }) => {
      const { status, provider } = flags;
      await list<IncidentView>(context, flags, {
        api: apiOf('reconciliation', flags),
        path: 'v1/incidents',
        query: given({ status: status === 'all' ? undefined : status, provider }),
        show: incidentTable,
      });
    },
  );
}
