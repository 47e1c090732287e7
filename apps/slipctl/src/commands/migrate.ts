import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { ledgerDatabaseUrl } from '../ledger-database-url.ts';
import type { ServiceDigest } from '../migrate/digest-service.ts';
import type { Digest } from '../migrate/saved-digest.ts';
import { requireOutputs, writeNew } from '../output/whole-file.ts';
import type { CommandContext } from './options.ts';

const others = ['intake', 'provider-gateway', 'reconciliation'] as const;
type Other = (typeof others)[number];

interface Flags {
  save?: string;
  against?: string;
  databaseUrl?: string;
  at: ReadonlyMap<Other, string>;
  json?: true;
}

const help = `
Counts the ledger's log and makes a digest of each partition, at one moment of the database; and of intake's, the gateway's and reconciliation's
databases counts the slips (and cases) of that log that each has a row of, makes a digest of what of them never changes, and notes the next numbers
and offsets. Before an upgrade into a file, after it against that file. What came since does not count. A slip of the log that a service does
not know of is named either way.

Examples:
  slipctl migrate check --save before.json
  slipctl migrate check --against before.json

\`slipctl verify\` compares the log with its signed checkpoints and with Kafka.`;

export function addMigrate(program: Command, context: CommandContext): void {
  program
    .command('migrate')
    .description('Prove that an upgrade has lost nothing.')
    .command('check')
    .description('Count and digest what the services keep, before an upgrade and after it.')
    .option('--save <file>', 'write what there is into a new file')
    .option('--against <file>', 'compare with what was saved; exit 1 when something is lost or otherwise')
    .option(
      '--database-url <url>',
      "the ledger's database (else DATABASE_URL: the server's database `ledger`); the others are on the same server",
    )
    .option(
      '--at <service=url>',
      `where the database of ${others.join(', ')} is, if not there; may be repeated`,
      atOption,
      new Map(),
    )
    .option('--json', 'print {ok, problems} and the counts as JSON')
    .addHelpText('after', `${help}\n${exitCodesHelp}`)
    .action((flags: Flags) => check(flags, context));
}

async function check(flags: Flags, { print, terminal, exit }: CommandContext): Promise<void> {
  const { save, against, json } = flags;
  if ((save === undefined) === (against === undefined))
    throw new CliError('usage', 'give --save FILE before an upgrade, or --against FILE after it');
  const { savedDigest } = await import('../migrate/saved-digest.ts');
  const before = against === undefined ? null : savedDigest(against);
  await requireNew(save);
  const progress = terminal.progress('records');
  try {
    const found = await look(flags, before, progress.update);
    progress.stop();
    const { lossesSince } = await import('../migrate/digest-log.ts');
    const { serviceLossesSince } = await import('../migrate/digest-service.ts');
    const problems = [
      ...lossesSince(before ?? found, found),
      ...found.services.flatMap((one) => serviceLossesSince(ofService(before, one.service), one)),
    ];
    if (save !== undefined) await writeNew(save, `${JSON.stringify(found)}\n`);
    const ok = problems.length === 0;
    print(json ? JSON.stringify({ ok, problems, ...found }) : told(found, problems, before));
    if (!ok) exit(exitCodes.bad);
  } finally {
    progress.stop();
  }
}

async function look(
  { databaseUrl, at }: Flags,
  before: Digest | null,
  onRows: (done: number, total: number) => void,
): Promise<Digest> {
  const [{ LedgerDatabase }, { digestLog }, { digestService }, { kept }, { ServiceDatabase }] =
    await Promise.all([
      import('../verify/ledger-database.ts'),
      import('../migrate/digest-log.ts'),
      import('../migrate/digest-service.ts'),
      import('../migrate/kept.ts'),
      import('../migrate/service-database.ts'),
    ]);
  const url = ledgerDatabaseUrl(databaseUrl);
  const upTo = before && new Map(before.partitions.map((one) => [one.partition, one.last_offset]));
  // First, and as it is now to the end: what it knows the others knew before.
  const ledger = await LedgerDatabase.open(url);
  try {
    const log = await digestLog(ledger, upTo, onRows);
    const ends = new Map<number, number>();
    for (const partition of await ledger.partitions())
      ends.set(partition, await ledger.handledUpTo(partition));
    const services: ServiceDigest[] = [];
    for (const one of kept) {
      const database = await ServiceDatabase.open(
        one.service,
        at.get(one.service) ?? beside(url, one.database),
      );
      try {
        const known = ledger.knownSlips(one.of);
        services.push(
          await digestService(one, database, { known, ledger: ends, before: ofService(before, one.service) }),
        );
      } finally {
        await database.close();
      }
    }
    return { ...log, services };
  } finally {
    await ledger.close();
  }
}

function ofService(before: Digest | null, service: string): ServiceDigest | null {
  return before?.services.find((one) => one.service === service) ?? null;
}

function beside(url: string, database: string): string {
  const other = URL.parse(url);
  if (other === null) throw new CliError('usage', '--database-url is no URL');
  other.pathname = `/${database}`;
  return other.href;
}

function atOption(text: string, before: ReadonlyMap<Other, string>): ReadonlyMap<Other, string> {
  const [, name, url] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const service = others.find((one) => one === name);
  if (service === undefined || URL.parse(url!) === null)
    throw new InvalidArgumentError(
      `a service and the URL of its database are needed: ${others[0]}=postgres://…`,
    );
  return new Map([...before, [service, url!]]);
}

function told(
  { partitions, slips, services }: Digest,
  problems: readonly string[],
  before: Digest | null,
): string {
  const records = partitions.reduce((sum, one) => sum + one.records, 0);
  const said = before ? 'nothing is lost' : 'counted';
  const verdict = problems.length === 0 ? said : 'it is NOT as it was';
  const known = services.map(
    (one) => `${one.service} knows ${one.slips}${one.digest === null ? ' with a case' : ''}`,
  );
  const unknown = before ? services.filter((one) => ofService(before, one.service) === null) : [];
  return [
    ...problems,
    ...unknown.map(({ service }) => `${service} is not compared: the file has nothing of it`),
    `${verdict}: ${records} records in ${partitions.length} partitions, ${slips} slips; ${known.join(', ')}`,
  ].join('\n');
}

/** Never over what is there: it may be the one from before. */
async function requireNew(file: string | undefined): Promise<void> {
  if (file !== undefined && existsSync(file))
    throw new CliError('usage', `${file} is there already: remove it, or name another file`);
  await requireOutputs({ '--save': file });
}
