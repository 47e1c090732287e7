import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { brokersOf } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp, messageOf } from '../exit.ts';
import { ledgerDatabaseUrl } from '../ledger-database-url.ts';
import type { Verdict } from '../verify/verify-log.ts';
import type { NotCompared } from '../verify/verify-partition.ts';
import type { CommandContext } from './options.ts';

interface Flags {
  databaseUrl?: string;
  brokers?: string;
  kafka: boolean;
  key: string[];
  checkpoint: string[];
  json?: true;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

const help = `
Reads the ledger's log from its first record at one moment of the database, in memory that does not grow with it. Every
record is compared with its leaf, its slip's chain, the tree of its partition, every signed checkpoint that the database, Kafka
and --checkpoint give, and the record in Kafka; an honest resend is no difference. The first bad position of each partition
is named, and so is what could not be compared with Kafka: what retention or people took from the topic (the log must have
it, and a checkpoint must have signed it), and what the ledger has not handled yet. Without --key the keys that the database itself names are believed, and without Kafka or --checkpoint a whole
database that is older, or was made anew, cannot be told from the true one.

Examples:
  slipctl verify
  slipctl verify --no-kafka --json
`;

export function addVerify(program: Command, { print, terminal, exit }: CommandContext): void {
  program
    .command('verify')
    .description(
      "Compare the ledger's log with its proofs and with Kafka; name the first record that is not as it was.",
    )
    .option(
      '--database-url <url>',
      "the ledger's database (else DATABASE_URL: the server's database `ledger`)",
    )
    .option('--brokers <list>', 'else KAFKA_BROKERS')
    .option('--no-kafka', 'do not look at Kafka')
    .option(
      '--key <verifier key>',
      'public key that checkpoints must be signed with, as a note names it; may be repeated',
      collect,
      [],
    )
    .option(
      '--checkpoint <file>',
      'a checkpoint that was kept elsewhere: its note, or the JSON of the API; may be repeated',
      collect,
      [],
    )
    .option('--json', 'print the verdict as JSON')
    .addHelpText('after', help + exitCodesHelp)
    .action(async (flags: Flags) => {
      // Clients of Kafka and PostgreSQL are loaded by those who need them.
      const [{ isCheckpoint, verifierKey }, { KafkaLog }, { LedgerDatabase }, { verifyLog }] =
        await Promise.all([
          import('../verify/checkpoints.ts'),
          import('../verify/kafka-log.ts'),
          import('../verify/ledger-database.ts'),
          import('../verify/verify-log.ts'),
        ]);
      for (const key of flags.key) {
        if (verifierKey(key) === null) throw new CliError('usage', `--key is no verifier key: ${key}`);
      }
      const notes = flags.checkpoint.map((file) => noteIn(file, isCheckpoint));
      const url = ledgerDatabaseUrl(flags.databaseUrl);
      const kafka = flags.kafka ? await KafkaLog.open(brokersOf(flags.brokers)) : null;
      const database = await LedgerDatabase.open(url).catch(async (error) => {
        await kafka?.close();
        throw error;
      });
      if (flags.key.length === 0)
        terminal.say('slipctl: no --key: the keys that the database names are believed');
      const progress = terminal.progress('records');
      try {
        const onRows = (done: number, total: number) => progress.update(done, total);
        const verdict = await verifyLog({ database, kafka, keys: flags.key, notes, onRows });
        progress.stop();
        print(flags.json ? JSON.stringify(verdictJson(verdict)) : verdictText(verdict));
        if (!verdict.ok) exit(exitCodes.bad);
      } finally {
        progress.stop();
        await kafka?.close();
        await database.close();
      }
    });
}

function noteIn(file: string, isCheckpoint: (text: string) => boolean): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('usage', `--checkpoint cannot be read: ${messageOf(error)}`);
  }
  if (!text.trimStart().startsWith('{')) {
    if (isCheckpoint(text)) return text;
    throw new CliError('usage', `--checkpoint ${file} is no checkpoint`);
  }
  try {
    const { note } = JSON.parse(text) as { note?: unknown };
    if (typeof note === 'string') return note;
  } catch (error) {
    throw new CliError('usage', `--checkpoint ${file} is no JSON: ${messageOf(error)}`);
  }
  throw new CliError('usage', `--checkpoint ${file} has no note`);
}

function verdictJson(verdict: Verdict) {
  const { ok, records, checkpoints, unsignedNotes, misfiledCheckpoints, partitions } = verdict;
  const problems = partitions.flatMap(({ problem }) => problem ?? []);
  return {
    ok,
    records,
    checkpoints,
    unsigned_checkpoints: unsignedNotes,
    misfiled_checkpoints: misfiledCheckpoints,
    partitions: partitions.map(({ partition, records, signed, notCompared }) => ({
      ...{ partition, records, signed, not_compared: notCompared },
    })),
    problems,
  };
}

const reasons: Readonly<Record<NotCompared['why'], string>> = {
  gone_from_kafka: 'it no longer has them',
  not_handled_yet: 'the ledger has not handled them yet',
};

function verdictText(verdict: Verdict): string {
  const { ok, records, checkpoints, unsignedNotes, misfiledCheckpoints, partitions } = verdict;
  const lines = partitions.flatMap(({ partition, problem }) => {
    if (problem === null) return [];
    const { offset, through, kind, detail } = problem;
    const where = through === offset ? `${offset}` : `${offset} to ${through}`;
    return [`partition ${partition}: first bad position ${where}: ${kind.replaceAll('_', ' ')}: ${detail}`];
  });
  for (const { partition, notCompared } of partitions) {
    for (const { from, through, why } of notCompared) {
      const where = through === from ? `${from}` : `${from} to ${through}`;
      lines.push(`partition ${partition}: ${where} not compared with Kafka: ${reasons[why]}`);
    }
  }
  if (unsignedNotes > 0) lines.push(`${unsignedNotes} checkpoints are signed with none of the keys`);
  if (misfiledCheckpoints > 0)
    lines.push(`${misfiledCheckpoints} checkpoints stand under another id, time or key than was signed`);
  const signed = partitions.reduce((sum, one) => sum + one.signed, 0);
  lines.push(
    `${ok ? 'The log is as it was' : 'The log is NOT as it was'}: ${records} records, ${signed} of them under ${checkpoints} checkpoints.`,
  );
  return lines.join('\n');
}
