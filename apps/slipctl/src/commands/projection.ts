import { Argument, type Command, Option } from 'commander';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { ledgerDatabaseUrl } from '../ledger-database-url.ts';
import { table } from '../output/table.ts';
import { runServiceProgram } from '../service-program.ts';
import { type CommandContext, examplesOf } from './options.ts';

const names = ['slips', 'accounts', 'transactions', 'statistics', 'tags'];
/** Differences that are shown to people; --json shows all. */
const shownMax = 20;

const help = `
Examples:
  slipctl projection list
  slipctl projection rebuild slips
  slipctl projection rebuild statistics --swap

Folds the ledger's log from its first event into a shadow (schema shadow_NAME) beside what is live, and names every row that is not
as the log says. The ledger goes on meanwhile; nothing is published. What came meanwhile is in. The database URL must be of the role that owns
the ledger's tables (its MIGRATION_DATABASE_URL). Balances and statistics are sums; after transactions were swapped, rebuild accounts.`;

interface Difference {
  readonly row: string;
  readonly field: string;
  readonly live: string | null;
  readonly rebuilt: string | null;
}

interface Rebuilt {
  readonly name: string;
  readonly slips: number;
  readonly differences: readonly Difference[];
  /** After a swap: none, or it was for nothing. */
  readonly left: readonly Difference[];
  readonly schema: string | null;
}

interface Listed {
  readonly name: string;
  readonly what: string;
  readonly shadow: string | null;
}

interface Flags {
  databaseUrl?: string;
  json?: true;
  swap?: true;
  drop?: true;
}

export function addProjection(program: Command, context: CommandContext): void {
  const projection = program
    .command('projection')
    .description('Rebuild what the ledger keeps beside its log, and compare it with what is live.')
    .addHelpText('after', `${help}\n${exitCodesHelp}`);
  addList(projection, context);
  addRebuild(projection, context);
}

const urlOption = () =>
  new Option(
    '--database-url <url>',
    "the ledger's database, as the role that owns its tables (else DATABASE_URL: the server's database `ledger`)",
  );

function ledgersProgram(args: readonly string[], { databaseUrl }: Flags) {
  const env = { DATABASE_URL: ledgerDatabaseUrl(databaseUrl) };
  return { path: 'ledger/dist/rebuild/main.js', args, env, what: "the ledger's projections" };
}

function addList(projection: Command, { print }: CommandContext): void {
  projection
    .command('list')
    .description('Which there are, and the shadows that were kept.')
    .addOption(urlOption())
    .option('--json', 'print them as JSON')
    .addHelpText('after', examplesOf(help, 'projection list') + exitCodesHelp)
    .action(async (flags: Flags) => {
      const listed = await runServiceProgram<Listed[]>(ledgersProgram(['list'], flags));
      const rows = listed.map(({ name, what, shadow }) => [name, shadow ?? '-', what]);
      print(flags.json ? JSON.stringify(listed) : table([['projection', 'shadow', 'what it is'], ...rows]));
    });
}

function addRebuild(projection: Command, { print, terminal, exit }: CommandContext): void {
  projection
    .command('rebuild')
    .description(
      'Build it anew beside the live one, and say what differs. Without --swap nothing live is changed.',
    )
    .addArgument(new Argument('<name>').choices(names))
    .option('--swap', 'put right what differs, and drop the shadow')
    .option('--drop', 'drop the shadow; else it is kept to be looked at, until the next one')
    .addOption(urlOption())
    .option('--json', 'print what differs as JSON')
    .addHelpText('after', examplesOf(help, 'projection rebuild') + exitCodesHelp)
    .action(async (name: string, flags: Flags) => {
      if (flags.swap && flags.drop) throw new CliError('usage', 'give --swap or --drop, not both');
      const ending = flags.swap ? 'swap' : flags.drop ? 'drop' : 'keep';
      const progress = terminal.progress('slips');
      try {
        const rebuilt = await runServiceProgram<Rebuilt>(
          ledgersProgram([name, ending], flags),
          progress.update,
        );
        progress.stop();
        print(flags.json ? JSON.stringify(rebuilt) : rebuiltText(rebuilt, ending));
        const isBad = ending === 'swap' ? rebuilt.left.length > 0 : rebuilt.differences.length > 0;
        if (isBad) exit(exitCodes.bad);
      } finally {
        progress.stop();
      }
    });
}

function rebuiltText({ name, slips, differences, left, schema }: Rebuilt, ending: string): string {
  const shown = (found: readonly Difference[]) => [
    ...found.slice(0, shownMax).map(({ row, field, live, rebuilt }) => {
      return `${row}: ${field} is ${live ?? 'not there'}, by the log ${rebuilt ?? 'not there'}`;
    }),
    ...(found.length > shownMax ? [`and ${found.length - shownMax} more: --json shows all`] : []),
  ];
  const verdict = differences.length === 0 ? 'as the log says' : `${differences.length} differences`;
  const lines = [...shown(differences), `${name}: ${slips} slips were folded: ${verdict}.`];
  if (ending === 'swap' && differences.length > 0) {
    lines.push(
      ...shown(left),
      left.length === 0 ? 'They were put right.' : `${left.length} could not be put right.`,
    );
  }
  if (schema !== null) lines.push(`The shadow lies in the schema ${schema}.`);
  return lines.join('\n');
}
