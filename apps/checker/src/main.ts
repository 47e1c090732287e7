import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { isSound } from './check.ts';
import type { LostProcess } from './facts.ts';
import { kafkaLoginOf } from './kafka-login.ts';
import { plain } from './plain.ts';
import { parseTime, runCheck } from './run-check.ts';

interface Options {
  brokers?: string;
  databaseUrl?: string;
  simulatorUrl?: string;
  since?: string;
  lost?: string;
}

/** `checker`: prints the summary as one JSON line; exit code 1 when it found an error, 2 when it could not look. */
const program = new Command('checker')
  .description(
    'Checks what the services did against the topic, SQL and, of a simulator, the providers’ truth.',
  )
  // The values of the environment are no defaults for commander: it would print them, and one holds a password.
  .option('--brokers <list>', 'Kafka brokers, comma-separated (default: KAFKA_BROKERS)')
  .option('--database-url <url>', 'PostgreSQL superuser URL (default: DATABASE_URL)')
  .option(
    '--simulator-url <url>',
    'admin URL of the provider simulator (default: SIMULATOR_URL); without it what follows from topic and SQL alone is judged',
  )
  .option('--since <time>', 'leave out slips submitted before this RFC 3339 time')
  .option('--lost <file>', 'processes that were killed: JSON [{"name":"provider-gateway","at":…,"until":…}]')
  .addHelpText(
    'after',
    '\nKafka over TLS and with a login: KAFKA_TLS… and KAFKA_SASL_…, as for the services (docs/reference/configuration.md).\nExit codes: 0 all is well, 1 errors were found, 2 the check could not be made.\nWhat each count means: apps/checker/README.md',
  );
program.parse();
const options = program.opts<Options>();

const simulatorUrl = options.simulatorUrl ?? process.env.SIMULATOR_URL;

try {
  const { summary, findings } = await runCheck({
    brokers: needed(options.brokers ?? process.env.KAFKA_BROKERS, '--brokers').split(','),
    login: kafkaLoginOf(process.env),
    databaseUrl: needed(options.databaseUrl ?? process.env.DATABASE_URL, '--database-url'),
    simulatorUrl: simulatorUrl || undefined,
    since: options.since,
    lostProcesses: options.lost === undefined ? [] : readLost(options.lost),
  });
  if (!simulatorUrl) console.error('no simulator: what providers really did is not judged');
  for (const { kind, about, why } of findings) console.error(plain(`${kind} ${about}: ${why}`));
  console.log(JSON.stringify(summary));
  process.exitCode = isSound(summary) ? 0 : 1;
} catch (error) {
  console.error(plain(`checker: ${error instanceof Error ? error.message : String(error)}`));
  process.exitCode = 2;
}

function needed(value: string | undefined, option: string): string {
  if (!value) throw new Error(`say ${option}; see checker --help`);
  return value;
}

function readLost(file: string): LostProcess[] {
  const rows = JSON.parse(readFileSync(file, 'utf8')) as { name: string; at: string; until: string | null }[];
  return rows.map(({ name, at, until }) => ({
    name,
    at: parseTime(at),
    until: until === null ? null : parseTime(until),
  }));
}
