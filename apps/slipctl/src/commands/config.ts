import { readFileSync } from 'node:fs';
import { StartError } from '@slipstream/kernel';
import { parseRules } from '@slipstream/rules';
import type { Command } from 'commander';
import { variables } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp, messageOf } from '../exit.ts';
import type { CommandContext } from './options.ts';

interface Flags {
  json?: true;
}

/** What is wrong with a rules file, and where. */
export interface RulesProblem {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** What the services would make of a rules file. */
export interface RulesReport {
  readonly ok: boolean;
  /** Of the rules, as events carry it; null while they have problems. */
  readonly digest: string | null;
  readonly problems: readonly RulesProblem[];
  /** Variables that it names and that are not set here: the services need them. */
  readonly unset_variables: readonly string[];
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
    .action((file: string, { json }: Flags) => {
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

/** Is good for an address and for a secret: what a variable holds where the file is checked is no problem of the file. */
const placeholder = 'http://variable.invalid/';

/** @param environment where its variables are looked up */
export function checkRules(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): RulesReport {
  const named = [...new Set([...text.matchAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g)].map(([, name]) => name!))];
  const unset = named.filter((name) => !environment[name]).sort();
  const filled = { ...environment, ...Object.fromEntries(unset.map((name) => [name, placeholder])) };
  try {
    const { digest } = parseRules(text, { file: '', environment: filled });
    return { ok: true, digest, problems: [], unset_variables: unset };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { ok: false, digest: null, problems: error.problems.map(toProblem), unset_variables: unset };
  }
}

/** `:line:column: reason` */
function toProblem(text: string): RulesProblem {
  const [, line, column, reason] = /^:(\d+):(\d+): (.*)$/s.exec(text) ?? [];
  return { line: Number(line), column: Number(column), reason: reason ?? text };
}

function told(file: string, { ok, digest, problems, unset_variables: unset }: RulesReport): string {
  const needs = unset.length > 0 ? [`not set here, and needed: ${unset.join(', ')}`] : [];
  if (ok) return [`${file} is good; digest ${digest}`, ...needs].join('\n');
  return [
    ...problems.map(({ line, column, reason }) => `${file}:${line}:${column}: ${reason}`),
    ...needs,
  ].join('\n');
}
