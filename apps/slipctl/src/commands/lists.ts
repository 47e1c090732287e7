import { type Command, Option } from 'commander';
import type { Api } from '../api.ts';
import { CliError, exitCodesHelp } from '../exit.ts';
import { requireKnown } from '../known.ts';
import { type CaseView, caseTable } from '../lists/render-cases.ts';
import { slipTable } from '../lists/render-slips.ts';
import { JsonArray } from '../output/json-array.ts';
import { apiOf } from '../services.ts';
import type { SlipView } from '../timeline/views.ts';
import { type CommandContext, countOption, timeoutOption } from './options.ts';
import { namesIn, namesUnshown, type Query, slipQuery, withSlipFilters } from './slip-filters.ts';

/** Of every list. */
export interface ListFlags {
  limit: number;
  all?: true;
  csv?: true;
  json?: true;
  token?: string;
  timeout: number;
}

const slipExamples = `
Examples:
  slipctl slips                                        the latest 50
  slipctl slips --not-returned                         nothing came back in time, and nothing has come since
  slipctl slips --case open --provider acme --json
  slipctl slips --not status=settled --all --csv > slips.csv

A filter that is repeated means any of its values; different filters must all fit.`;

export function addSlips(program: Command, context: CommandContext): void {
  const command = program
    .command('slips')
    .description('List slips, the latest first, by the filters of the API.');
  withListOptions(withSlipFilters(command), slipExamples).action(
    async (flags: ListFlags & Record<string, unknown>) => {
      await list<SlipView>(context, flags, {
        api: apiOf('ledger', flags),
        path: 'v1/slips',
        query: slipQuery(flags),
        show: slipTable,
      });
    },
  );
}

interface CaseFilters {
  cause?: string;
  reason?: string;
  incident?: string;
  provider?: string;
}

const caseExamples = `
Examples:
  slipctl cases                        what people have to look at
  slipctl cases --status closed --cause third_party
  slipctl cases --all --csv > cases.csv

\`slipctl timeline SLIP\` tells the life of one.`;

export function addCases(program: Command, context: CommandContext): void {
  const command = program
    .command('cases')
    .description('List cases, the newest first: slips that people have to look at.')
    .addOption(
      new Option('--status <status>', 'open, closed, or all')
        .choices(['open', 'closed', 'all'])
        .default('open'),
    )
    .option('--cause <cause>', 'class or code of the diagnosis')
    .option('--reason <reason>', 'why it was opened, as in inquiry_exhausted')
    .option('--incident <id>', 'of slips that were missed in this outage')
    .option('--provider <id>', 'who was asked to carry it out');
  withListOptions(command, caseExamples).action(
    async (flags: ListFlags & { status: string } & CaseFilters) => {
      const { status, cause, reason, incident, provider } = flags;
      await list<CaseView>(context, flags, {
        api: apiOf('reconciliation', flags),
        path: 'v1/cases',
        query: given({ status: status === 'all' ? undefined : status, cause, reason, incident, provider }),
        show: caseTable,
      });
    },
  );
}

export function withListOptions(command: Command, examples: string): Command {
  return command
    .option('--limit <count>', 'how many at most', countOption, 50)
    .option('--all', 'every one, however many')
    .option('--csv', 'as CSV (RFC 4180), as the API writes it')
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for one answer', '30s'))
    .option('--json', "print the API's data: one array")
    .addHelpText('after', `${examples}\n${exitCodesHelp}`);
}

interface Listing<T> {
  readonly api: Api;
  readonly path: string;
  readonly query: Query;
  show(items: readonly T[]): string;
}

const pageSizeMax = 1_000;
const lineFeed = 0x0a;
/** Of one table: columns are as wide as all of its rows need, so they are held in memory. */
const tableRowsMax = 10_000;

export async function list<T>(
  { print, write, terminal }: CommandContext,
  flags: ListFlags,
  { api, path, query, show }: Listing<T>,
): Promise<void> {
  const { limit, all, csv, json } = flags;
  if (csv && json) throw new CliError('usage', '--csv and --json are two forms of one answer: give one');
  await requireKnown(namesUnshown(flags), flags);
  const size = all ? pageSizeMax : Math.min(limit, pageSizeMax);
  if (csv) {
    if (!all && limit > pageSizeMax) {
      throw new CliError('usage', `--csv gives a page of at most ${pageSizeMax}, or with --all everything`);
    }
    // Without a size the API gives all.
    const whole = all ? query : { ...query, page_size: [String(size)] };
    let lines = 0;
    for await (const chunk of api.stream(path, { query: whole, accept: 'text/csv' })) {
      lines += chunk.reduce((sum, byte) => sum + (byte === lineFeed ? 1 : 0), 0);
      await write(chunk);
    }
    // The first one names the columns.
    if (lines <= 1) await requireKnown(namesIn(flags), flags);
    return;
  }
  const array = new JsonArray(write);
  let items: T[] = [];
  let shown = 0;
  const showItems = () => {
    print(show(items));
    shown += items.length;
    items = [];
  };
  let left = all ? Number.POSITIVE_INFINITY : limit;
  let found = 0;
  let hasMore = false;
  for await (const { data, next } of api.wholePages<T>(path, { ...query, page_size: [String(size)] })) {
    const some = data.slice(0, left);
    left -= some.length;
    found += some.length;
    if (json) await array.add(some);
    else items.push(...some);
    if (items.length >= tableRowsMax) showItems();
    if (left > 0) continue;
    hasMore = next !== null || some.length < data.length;
    break;
  }
  if (found === 0) await requireKnown(namesIn(flags), flags);
  if (json) return array.end();
  if (items.length > 0 || shown === 0) showItems();
  if (hasMore) terminal.say(`the first ${shown}; --limit N or --all shows more`);
}

export function given(values: Readonly<Record<string, string | undefined>>): Query {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, [value]]])),
  );
}
