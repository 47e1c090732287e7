import { type Command, Option } from 'commander';
import { exitCodesHelp } from '../exit.ts';
import type { Exported, Exporting, Format } from '../export/run-export.ts';
import { requireKnown } from '../known.ts';
import { requireOutputs } from '../output/whole-file.ts';
import { apiOf } from '../services.ts';
import { eventQuery, withEventFilters } from './event-filters.ts';
import { requireTypes } from './event-types.ts';
import { type CommandContext, timeoutOption } from './options.ts';
import {
  namesIn,
  namesUnshown,
  type Query,
  queryOf,
  slipQuery,
  withFilters,
  withSlipFilters,
} from './slip-filters.ts';

interface Flags extends Record<string, unknown> {
  out: string;
  format?: Format;
  resume?: true;
  token?: string;
  timeout: number;
  json?: true;
}

const moneyFilters = {
  slip: 'of this slip',
  account: 'of this account; else of all',
  clock: 'of the account; default: wall',
} as const;

interface Meant {
  readonly what: Exported;
  readonly summary: string;
  readonly example: string;
  withFilters(command: Command): Command;
  queryOf(flags: Flags): Query;
}

const moneyQuery = (flags: Flags) => queryOf(flags, Object.keys(moneyFilters));

const kinds: readonly Meant[] = [
  {
    what: 'slips',
    summary: 'Slips, the latest first.',
    example: 'slipctl export slips --provider acme -o slips.csv',
    withFilters: withSlipFilters,
    queryOf: slipQuery,
  },
  {
    what: 'events',
    summary: 'The log, by partition and offset.',
    example: 'slipctl export events --type slipstream.slip.returned.v1 -o returned.ndjson',
    withFilters: withEventFilters,
    queryOf: eventQuery,
  },
  {
    what: 'transactions',
    summary: 'Transactions: of a slip or an account, the latest first; else all, by slip.',
    example: 'slipctl export transactions -o books.ndjson',
    withFilters: (command) => withFilters(command, {}, moneyFilters),
    queryOf: moneyQuery,
  },
  {
    what: 'postings',
    summary: 'The same, a row for each posting.',
    example: 'slipctl export postings --account cust-1 -o postings.csv',
    withFilters: (command) => withFilters(command, {}, moneyFilters),
    queryOf: moneyQuery,
  },
];

const help = `
The file takes its place when it is whole; until then it lies beside it as FILE.part. What was interrupted, or killed, goes on with
--resume without a gap or a repeat.`;

export function addExport(program: Command, context: CommandContext): void {
  const group = program
    .command('export')
    .description('Write all slips, events, transactions or postings that the API finds into a file.');
  for (const kind of kinds) {
    const command = kind
      .withFilters(group.command(kind.what).description(kind.summary))
      .requiredOption('-o, --out <file>', 'a new file')
      .addOption(
        new Option('--format <format>', 'default: by the name of the file, else ndjson').choices([
          'csv',
          'ndjson',
        ]),
      )
      .option('--resume', 'go on where it was interrupted, with the same options')
      .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
      .addOption(timeoutOption('longest wait for one answer', '30s'))
      .option('--json', 'print the summary as JSON')
      .addHelpText('after', `${help}\n\nExamples:\n  ${kind.example}\n${exitCodesHelp}`);
    command.action((flags: Flags) => exportAll(kind, flags, context));
  }
}

async function exportAll(
  { what, queryOf: queryFor }: Meant,
  flags: Flags,
  { terminal, print, nowMs, interruptible }: CommandContext,
): Promise<void> {
  const { out, json } = flags;
  const format = flags.format ?? (out.endsWith('.csv') ? 'csv' : 'ndjson');
  if (what === 'events') await requireTypes(flags.type as string[] | undefined);
  const query = queryFor(flags);
  const api = apiOf('ledger', flags);
  await requireOutputs({ '--out': out });
  await requireKnown(namesUnshown(flags), flags);
  const [{ PartFile }, { runExport }] = await Promise.all([
    import('../export/part-file.ts'),
    import('../export/run-export.ts'),
  ]);
  const { file, state } = await PartFile.open(out, { what, format, ...query }, flags.resume === true);
  const progress = terminal.progress(what);
  try {
    const done = await runExport({
      ...{ api, what, format, query, file, state, nowMs, progress, signal: interruptible() },
    });
    progress.stop();
    if (done.done && done.rows === 0) await requireKnown(namesIn(flags), flags);
    print(json ? JSON.stringify(summaryJson(what, out, done)) : summaryText(what, out, done));
  } catch (error) {
    if (file.isBegun) terminal.say(`${out} is not whole: --resume goes on`);
    throw error;
  } finally {
    progress.stop();
    await file.close();
  }
}

const perSecond = ({ written, seconds }: Exporting) => Math.round(written / Math.max(seconds, 0.001));

function summaryJson(what: Exported, file: string, of: Exporting) {
  const { done, rows, bytes, seconds } = of;
  return {
    what,
    file,
    done,
    rows,
    bytes,
    seconds: Number(seconds.toFixed(3)),
    rows_per_second: perSecond(of),
  };
}

function summaryText(what: Exported, file: string, of: Exporting): string {
  const { done, rows, bytes, seconds } = of;
  const rate = `${bytes} bytes; ${seconds.toFixed(1)} s (${perSecond(of)} rows/s)`;
  if (done) return `${rows} ${what} in ${file}, ${rate}`;
  return `interrupted after ${rows} ${what}, ${rate}; --resume goes on`;
}
