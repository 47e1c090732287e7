import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { CliError, exitCodesHelp, messageOf } from '../exit.ts';
import {
  type BreakView,
  breakTable,
  type StatementView,
  statementTable,
} from '../lists/render-statements.ts';
import { apiOf } from '../services.ts';
import { given, type ListFlags, list, withListOptions } from './lists.ts';
import { type CommandContext, examplesOf, timeoutOption } from './options.ts';

const breakStatuses = ['open', 'acknowledged', 'snoozed', 'resolved', 'all'];

interface BreakFilters {
  type?: string;
  provider?: string;
  statement?: string;
  slip?: string;
}

const breakExamples = `
Examples:
  slipctl breaks                          how statements and our books differ
  slipctl breaks --status all --type amount --csv`;

export function addBreaks(program: Command, context: CommandContext): void {
  const command = program
    .command('breaks')
    .description('List breaks, the newest first: how statements and our books differ.')
    .addOption(new Option('--status <status>', 'of these').choices(breakStatuses).default('open'))
    .option('--type <type>', 'as in missing_here, missing_there, amount, duplicate, gap')
    .option('--provider <id>', 'whose statement')
    .option('--statement <id>', 'of this statement')
    .option('--slip <id>', 'of this slip');
  withListOptions(command, breakExamples).action(
    async (flags: ListFlags & { status: string } & BreakFilters) => {
      const { status, type, provider, statement, slip } = flags;
      await list<BreakView>(context, flags, {
        api: apiOf('reconciliation', flags),
        path: 'v1/breaks',
        query: given({ status: status === 'all' ? undefined : status, type, provider, statement, slip }),
        show: breakTable,
      });
    },
  );
}

const statementExamples = `
Examples:
  slipctl statements list                 which were taken, whether they are matched, and their breaks
  slipctl statements send day.csv --source acme-settlements

A file is added up at once, and taken whole or not at all. The same file again is the statement that it was.`;

export function addStatements(program: Command, context: CommandContext): void {
  const statements = program
    .command('statements')
    .description('List the statements of providers, and hand one in.')
    .addHelpText('after', `${statementExamples}\n${exitCodesHelp}`);
  const listing = statements.command('list').description('List statements, the newest first.');
  withListOptions(listing, examplesOf(statementExamples, 'statements list')).action((flags: ListFlags) =>
    list<StatementView>(context, flags, {
      api: apiOf('reconciliation', flags),
      path: 'v1/statements',
      query: {},
      show: statementTable,
    }),
  );
  addSend(statements, context);
}

interface SendFlags {
  source: string;
  token?: string;
  timeout: number;
  json?: true;
}

function addSend(statements: Command, { print }: CommandContext): void {
  statements
    .command('send')
    .description('Hand in a statement file of a source of the rules.')
    .argument('<file>')
    .requiredOption('--source <name>', 'as in `statements.<name>` of the rules')
    .option('--token <token>', 'bearer token that may write statements (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for the answer', '60s'))
    .option('--json', "print the API's data")
    .addHelpText('after', examplesOf(statementExamples, 'statements send') + exitCodesHelp)
    .action(async (file: string, flags: SendFlags) => {
      const body = read(file);
      const digest = createHash('sha256').update(body).digest('hex');
      const statement = await apiOf('reconciliation', flags).send<StatementView>('v1/statements', {
        query: { source: flags.source },
        headers: { 'content-type': 'application/octet-stream', 'idempotency-key': `"${digest}"` },
        body,
      });
      print(flags.json ? JSON.stringify(statement) : statementTable([statement]));
    });
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError('usage', `${file} cannot be read: ${messageOf(error)}`);
  }
}
