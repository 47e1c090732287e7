import type { Command } from 'commander';
import { eventTable, type LoggedEventView } from '../lists/render-events.ts';
import { apiOf } from '../services.ts';
import { eventQuery, withEventFilters } from './event-filters.ts';
import { requireTypes } from './event-types.ts';
import { type ListFlags, list, withListOptions } from './lists.ts';
import type { CommandContext } from './options.ts';

const examples = `
Examples:
  slipctl events --slip ID --slip OTHER --all
  slipctl events --provider acme --type slipstream.slip.overdue.v1 --received-from 2026-11-26T00:00:00Z
  slipctl events --trace 4bf92f3577b34da6a3ce929d0e0e4736     of the slips that began with this request

By partition and offset, as the log has them. \`slipctl timeline SLIP\` tells one slip's life, \`slipctl tail\` what comes,
\`slipctl replay\` gives them by time across partitions.`;

export function addEvents(program: Command, context: CommandContext): void {
  const command = program
    .command('events')
    .description('List past events of the log, by the filters of the API.');
  withListOptions(withEventFilters(command), examples).action(
    async (flags: ListFlags & Record<string, unknown>) => {
      await requireTypes(flags.type as string[] | undefined);
      await list<LoggedEventView>(context, flags, {
        api: apiOf('ledger', flags),
        path: 'v1/events',
        query: eventQuery(flags),
        show: eventTable,
      });
    },
  );
}
