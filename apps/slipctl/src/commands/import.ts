import type { Instant } from '@slipstream/kernel';
import type { Command } from 'commander';
import { Api } from '../api.ts';
import { brokersOf, environment, setting } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { type ImportSummary, isBad, tellSummary } from '../import/summary.ts';
import { type CommandContext, clockOption, nameOption, timeOption, timeoutOption } from './options.ts';

interface Flags {
  mapping: string;
  until: Instant;
  wait?: true;
  verdicts?: string;
  clock?: string;
  replace?: string;
  strict?: true;
  caller: string;
  timeout: number;
  brokers?: string;
  ledgerUrl?: string;
  reconciliationUrl?: string;
  token?: string;
  json?: true;
}

/** Well below the silence that ends a wait, so that one lost answer does not. */
const answerTimeoutMs = 10_000;

const help = `
Examples:
  slipctl import orders.csv --mapping examples/olist.yaml --until 2019-01-01T00:00:00Z --wait --verdicts verdicts.csv
  slipctl import orders.csv --mapping examples/olist.yaml --until 2019-01-01T00:00:00Z --strict --clock june

The mapping (YAML) says which column is what; examples/olist.yaml is one, apps/slipctl/README.md tells all of it.
A bad row is told with its line and skipped, and the exit code is 1 when it speaks of a slip. Slips about which rows
contradict each other are undetermined. Importing the same file twice changes nothing.
${exitCodesHelp}`;

export function addImport(program: Command, context: CommandContext): void {
  program
    .command('import')
    .description('Publish a file of past slips on a clock of its own, and collect the verdicts.')
    .argument('<file>', 'CSV with a header, and a row per slip or a row per event')
    .requiredOption('--mapping <file>', 'what the columns mean')
    .requiredOption(
      '--until <time>',
      'where the clock stops (RFC 3339); what happened later is left out',
      timeOption,
    )
    .option('--wait', 'wait until every slip has its verdict')
    .option('--verdicts <file>', 'write reference,verdict,deadline,returned_at,cause (needs --wait)')
    .option('--clock <name>', 'default: import- and a digest of file and mapping', clockOption)
    .option('--replace <clock>', 'correct the import on that clock: all anew, on one beside it', clockOption)
    .option('--strict', 'send nothing at all when a row is bad')
    .option('--caller <name>', 'who imports; references are unique per caller', nameOption, '/importer')
    .addOption(timeoutOption('longest wait for the verdicts: 90s, 10m', '10m'))
    .option('--brokers <list>', 'host:port,… (else KAFKA_BROKERS)')
    .option('--ledger-url <url>', 'else LEDGER_URL')
    .option('--reconciliation-url <url>', 'else RECONCILIATION_URL')
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', help)
    .action(async (file: string, flags: Flags) => {
      const { mapping, until, clock = null, caller, strict = false, verdicts = null } = flags;
      const replaces = flags.replace ?? null;
      if (verdicts !== null && !flags.wait) throw new CliError('usage', '--verdicts needs --wait');
      if (clock !== null && replaces !== null) {
        throw new CliError('usage', '--replace names the clock itself: it goes without --clock');
      }
      const brokers = brokersOf(flags.brokers);
      // Kafka's client and the parsers are loaded by those who need them.
      const { runImport } = await import('../import/run-import.ts');
      const summary = await runImport({
        ...{ file, mapping, until, clock, replaces, caller, strict, brokers },
        verdictsFile: verdicts,
        reconciliation: pacer(flags),
        wait: flags.wait ? { ...services(flags), timeoutMs: flags.timeout } : null,
        ...context,
      });
      context.print(flags.json ? JSON.stringify(summary) : tellSummary(summary));
      if (!isBad(summary)) return;
      tellBad(summary, context);
      context.exit(exitCodes.bad);
    });
}

/** Who tells how fast to go; null: its address or a token is not known. */
function pacer(flags: Flags): Api | null {
  const url = flags.reconciliationUrl ?? environment.reconciliationUrl;
  const token = flags.token ?? environment.token;
  return url && token ? new Api({ name: 'reconciliation', url, token, timeoutMs: answerTimeoutMs }) : null;
}

function services(flags: Flags) {
  const token = setting('token', flags.token);
  const api = (name: string, url: string) => new Api({ name, url, token, timeoutMs: answerTimeoutMs });
  return {
    ledger: api('ledger', setting('ledgerUrl', flags.ledgerUrl)),
    reconciliation: api('reconciliation', setting('reconciliationUrl', flags.reconciliationUrl)),
  };
}

const toldMax = 20;

function tellBad(
  { refused, missing, contradictions, clock }: ImportSummary,
  { terminal }: CommandContext,
): void {
  for (const oddities of [contradictions, missing, refused]) {
    if (oddities === null) continue;
    for (const { reference, detail } of oddities.first.slice(0, toldMax)) {
      terminal.say(`${reference}: ${detail}`);
    }
    if (oddities.count > toldMax) terminal.say(`and ${oddities.count - toldMax} more like these`);
  }
  if (refused !== null && refused.count > 0) {
    terminal.say(
      `were they imported before, on another clock? --replace CLOCK imports them anew beside ${clock}`,
    );
  }
}
