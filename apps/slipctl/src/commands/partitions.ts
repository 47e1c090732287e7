import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCodes, exitCodesHelp } from '../exit.ts';
import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import { askAll, chosenServices, type ServiceName, serviceNames } from '../services.ts';
import { type CommandContext, examplesOf, servicesOption, tell, withServiceOptions } from './options.ts';

/** A stopped partition, as the API shows it. */
export interface StoppedView {
  readonly topic: string;
  readonly partition: number;
  readonly stopped_at: string;
  readonly why: string;
  readonly next_offset: number;
  /** Why nothing is known of the log. */
  readonly unread: string | null;
  readonly record: { readonly source: string; readonly sequence: number; readonly digest: string } | null;
  readonly sources: readonly {
    readonly source: string;
    readonly sequence: number;
    readonly digest: string | null;
  }[];
}

interface Flags {
  token?: string;
  timeout: number;
  json?: true;
}

const examples = `
Examples:
  slipctl partitions list
  slipctl partitions go-on slips.events.v1 3 --service ledger --from 812 --why "lost with broker 2"

The record at that offset counts as the next of its source; what lies before it is given up by that service.`;

/** Partitions that stopped for lost records, a fork or another topic (rule 5). */
export function addPartitions(program: Command, context: CommandContext): void {
  const partitions = program
    .command('partitions')
    .description('Show partitions that stopped, or let one go on.')
    .addHelpText('after', `${examples}\n${exitCodesHelp}`);
  addList(partitions, context);
  addGoOn(partitions, context);
}

function addList(partitions: Command, { print, exit, terminal }: CommandContext): void {
  const command = partitions.command('list').description('Why each stopped, and what stands where.');
  const help = examplesOf(examples, 'partitions list');
  withServiceOptions(command.addOption(servicesOption()), '10s', help).action(
    async (flags: Flags & { service?: ServiceName[] }) => {
      const services = chosenServices(flags.service, { token: flags.token, timeoutMs: flags.timeout });
      const { answers, failures } = await askAll(services, ({ api }) =>
        api.get<{ data: StoppedView[] }>('v1/stopped-partitions'),
      );
      const stopped = answers.flatMap(({ service, data }) => data.map((one) => ({ ...one, service })));
      print(flags.json ? JSON.stringify(stopped) : stoppedTable(stopped));
      tell(failures, { terminal, exit }, flags);
      if (failures.length === 0 && stopped.length > 0) exit(exitCodes.bad);
    },
  );
}

function addGoOn(partitions: Command, { print }: CommandContext): void {
  const command = partitions
    .command('go-on')
    .description('Lets a stopped partition of one service go on from an offset.')
    .argument('<topic>')
    .argument('<partition>', 'its number', whole)
    .addOption(
      new Option('--service <name>', 'whose reading is meant')
        .choices([...serviceNames])
        .makeOptionMandatory(),
    )
    .requiredOption('--from <offset>', 'the first offset to be handled', whole)
    .requiredOption('--why <text>', 'kept with who decided and when');
  withServiceOptions(command, '10s', examplesOf(examples, 'partitions go-on')).action(
    async (
      topic: string,
      partition: number,
      {
        service,
        from: offset,
        why: reason,
        ...flags
      }: Flags & { service: ServiceName; from: number; why: string },
    ) => {
      const [chosen] = chosenServices([service], { token: flags.token, timeoutMs: flags.timeout });
      const body = { topic, partition, offset, reason };
      const answer = await chosen!.api.post<{ id: string }>('v1/stopped-partitions/go-on', body);
      print(
        flags.json ? JSON.stringify(answer) : `decided (${answer.id}); ${service} goes on within seconds`,
      );
    },
  );
}

export function stoppedTable(stopped: readonly (StoppedView & { readonly service: string })[]): string {
  if (stopped.length === 0) return 'no partition has stopped';
  const rows = stopped.map(
    ({ service, topic, partition, stopped_at, next_offset, record, unread, sources, why }) => {
      const known = sources.find(({ source }) => source === record?.source);
      return [
        ...[service, `${topic} ${partition}`, showTime(stopped_at), String(next_offset)],
        known ? `${known.sequence} ${known.digest ?? '-'}` : '-',
        record ? `${record.sequence} ${record.digest}` : (unread ?? '-'),
        why,
      ];
    },
  );
  return table([['service', 'partition', 'stopped', 'offset', 'read last', 'stands there', 'why'], ...rows]);
}

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('not a whole number');
  return value;
}
