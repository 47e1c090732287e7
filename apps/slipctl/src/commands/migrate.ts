import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CliError, exitCodes, exitCodesHelp, messageOf } from '../exit.ts';
import { ledgerDatabaseUrl } from '../ledger-database-url.ts';
import type { LogDigest } from '../migrate/digest-log.ts';
import type { CommandContext } from './options.ts';

interface Flags {
  save?: string;
  against?: string;
  databaseUrl?: string;
  json?: true;
}

const help = `
Counts the ledger's log and makes a digest of each partition, at one moment of the database: before an upgrade into a file, after it against
that file. What came since does not count. Whether slips that the log speaks of are kept is looked at either way.

Examples:
  slipctl migrate check --save before.json
  slipctl migrate check --against before.json

\`slipctl verify\` compares the log with its signed checkpoints and with Kafka.`;

export function addMigrate(program: Command, { print, terminal, exit }: CommandContext): void {
  program
    .command('migrate')
    .description('Prove that an upgrade has lost nothing.')
    .command('check')
    .description("Count and digest the ledger's log, before an upgrade and after it.")
    .option('--save <file>', 'write what there is into a new file')
    .option('--against <file>', 'compare with what was saved; exit 1 when something is lost or otherwise')
    .option(
      '--database-url <url>',
      "the ledger's database (else DATABASE_URL: the server's database `ledger`)",
    )
    .option('--json', 'print {ok, problems} and the counts as JSON')
    .addHelpText('after', `${help}\n${exitCodesHelp}`)
    .action(async ({ save, against, databaseUrl, json }: Flags) => {
      if ((save === undefined) === (against === undefined))
        throw new CliError('usage', 'give --save FILE before an upgrade, or --against FILE after it');
      const before = against === undefined ? null : saved(against);
      const [{ LedgerDatabase }, { digestLog, lossesSince }] = await Promise.all([
        import('../verify/ledger-database.ts'),
        import('../migrate/digest-log.ts'),
      ]);
      const upTo = before && new Map(before.partitions.map((one) => [one.partition, one.last_offset]));
      const database = await LedgerDatabase.open(ledgerDatabaseUrl(databaseUrl));
      const progress = terminal.progress('records');
      try {
        const found = await digestLog(database, upTo, (done, total) => progress.update(done, total));
        progress.stop();
        const problems = lossesSince(before ?? found, found);
        if (save !== undefined) keep(save, found);
        const ok = problems.length === 0;
        print(json ? JSON.stringify({ ok, problems, ...found }) : told(found, problems, before !== null));
        if (!ok) exit(exitCodes.bad);
      } finally {
        progress.stop();
        await database.close();
      }
    });
}

function told({ partitions, slips }: LogDigest, problems: readonly string[], isCompared: boolean): string {
  const records = partitions.reduce((sum, one) => sum + one.records, 0);
  const said = isCompared ? 'nothing is lost' : 'counted';
  const verdict = problems.length === 0 ? said : 'it is NOT as it was';
  return [
    ...problems,
    `${verdict}: ${records} records in ${partitions.length} partitions, ${slips} slips`,
  ].join('\n');
}

function saved(file: string): LogDigest {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as LogDigest;
    if (Array.isArray(found.partitions) && typeof found.slips === 'number') return found;
  } catch (error) {
    throw new CliError('usage', `--against cannot be read: ${messageOf(error)}`);
  }
  throw new CliError('usage', `${file} is not what --save wrote`);
}

/** Never over what is there: it may be the one from before. */
function keep(file: string, found: LogDigest): void {
  try {
    writeFileSync(file, `${JSON.stringify(found)}\n`, { flag: 'wx' });
  } catch (error) {
    throw new CliError('usage', `--save cannot be written: ${messageOf(error)}`);
  }
}
