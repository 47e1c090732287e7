import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { variables } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp, messageOf } from '../exit.ts';
import type { RulesReport } from '../rules/check-rules.ts';
import type { CommandContext } from './options.ts';

interface Flags {
  json?: true;
}

export function addConfig(program: Command, { print, exit }: CommandContext): void {
  program
    .command('config')
    .description('Look at the rules that services start with.')
    .command('check')
    .argument('<file>', 'slipstream.config.yaml')
    .description('Say what would keep the services from starting with a rules file, with line and column.')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', exitCodesHelp)
    .action(async (file: string, { json }: Flags) => {
      const { checkRules } = await import('../rules/check-rules.ts');
      const report = checkRules(read(file), variables);
      print(json ? JSON.stringify(report) : told(file, report));
      if (!report.ok) exit(exitCodes.bad);
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('usage', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function told(file: string, { ok, digest, problems, unset_variables: unset }: RulesReport): string {
  const needs = unset.length > 0 ? [`not set here, and needed: ${unset.join(', ')}`] : [];
  if (ok) return [`${file} is good; digest ${digest}`, ...needs].join('\n');
  return [
    ...problems.map(({ line, column, reason }) => `${file}:${line}:${column}: ${reason}`),
    ...needs,
  ].join('\n');
}
