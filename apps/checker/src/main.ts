import { Command } from 'commander';
import { runCheck } from './run-check.ts';

interface Options {
  brokers: string;
  databaseUrl: string;
  simulatorUrl: string;
  since?: string;
}

/** `checker`: prints the summary as one JSON line; exit code 1 when it found an error, 2 when it could not look. */
const program = new Command('checker')
  .description('Checks what the services did against the providers’ truth, the topic and SQL.')
  .requiredOption('--brokers <list>', 'Kafka brokers, comma-separated', process.env.KAFKA_BROKERS)
  .requiredOption('--database-url <url>', 'PostgreSQL superuser URL', process.env.DATABASE_URL)
  .requiredOption('--simulator-url <url>', 'admin URL of the provider simulator', process.env.SIMULATOR_URL)
  .option('--since <time>', 'leave out slips submitted before this RFC 3339 time')
  .addHelpText('after', '\nExit codes: 0 all is well, 1 errors were found, 2 the check could not be made.');
program.parse();
const { brokers, databaseUrl, simulatorUrl, since } = program.opts<Options>();

try {
  const { summary, findings } = await runCheck({
    brokers: brokers.split(','),
    databaseUrl,
    simulatorUrl,
    since,
  });
  for (const finding of findings) console.error(finding);
  console.log(JSON.stringify(summary));
  const wrong = summary.false_alarms + summary.missed + summary.lost_events;
  process.exitCode = wrong > 0 || !summary.ledger_balanced ? 1 : 0;
} catch (error) {
  console.error(`checker: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
