import type { Command } from 'commander';
import { brokersOf, variables } from '../config.ts';
import { exitCodes, exitCodesHelp } from '../exit.ts';
import type { RulesReport } from '../rules/check-rules.ts';
import { type CommandContext, examplesOf } from './options.ts';

interface Flags {
  json?: true;
}

const examples = `
Examples:
  slipctl config check slipstream.config.yaml
  slipctl config show slipstream.config.yaml
  slipctl config diff slipstream.config.yaml changed.yaml
  slipctl config applied                          by which rules each running service judges
  slipctl config applied slipstream.config.yaml   exit 1 when one judges by others`;

export function addConfig(program: Command, context: CommandContext): void {
  const config = program
    .command('config')
    .description('Look at the rules that services start with.')
    .addHelpText('after', `${examples}\n${exitCodesHelp}`);
  addCheck(config, context);
  addShow(config, context);
  addDiff(config, context);
  addApplied(config, context);
}

function addCheck(config: Command, { print, exit }: CommandContext): void {
  config
    .command('check')
    .argument('<file>', 'slipstream.config.yaml')
    .description('Say what would keep the services from starting with a rules file, with line and column.')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', examplesOf(examples, 'config check') + exitCodesHelp)
    .action(async (file: string, { json }: Flags) => {
      const [{ checkRules }, { textOf }] = await Promise.all([
        import('../rules/check-rules.ts'),
        import('../rules/rules-file.ts'),
      ]);
      const report = await checkRules({ text: textOf(file), file, environment: variables });
      print(json ? JSON.stringify(report) : told(file, report));
      if (!report.ok) exit(exitCodes.bad);
    });
}

function addShow(config: Command, { print }: CommandContext): void {
  config
    .command('show')
    .argument('<file>', 'slipstream.config.yaml')
    .description(
      'Show the rules as they would be in force: with all that the file is silent about. No secrets.',
    )
    .option('--json', 'as JSON; else YAML')
    .addHelpText('after', examplesOf(examples, 'config show') + exitCodesHelp)
    .action(async (file: string, { json }: Flags) => {
      const { rulesIn } = await import('../rules/rules-file.ts');
      const rules = rulesIn(file);
      const { stringify } = await import('yaml');
      print(json ? JSON.stringify(rules) : stringify(rules).trimEnd());
    });
}

function addDiff(config: Command, { print, exit }: CommandContext): void {
  config
    .command('diff')
    .argument('<before>', 'a rules file')
    .argument('<after>', 'another one')
    .description(
      'Show what differs between two sets of rules in force, whatever their layout; exit 1 when something does.',
    )
    .option('--json', 'print [{path, before, after}]')
    .addHelpText('after', examplesOf(examples, 'config diff') + exitCodesHelp)
    .action(async (before: string, after: string, { json }: Flags) => {
      const [{ changesBetween, shownChange }, { rulesIn }] = await Promise.all([
        import('../rules/plain-rules.ts'),
        import('../rules/rules-file.ts'),
      ]);
      const changes = changesBetween(rulesIn(before), rulesIn(after));
      const lines = changes.map(shownChange);
      print(json ? JSON.stringify(changes) : lines.join('\n') || 'the rules are the same');
      if (changes.length > 0) exit(exitCodes.bad);
    });
}

function addApplied(config: Command, { print, exit }: CommandContext): void {
  config
    .command('applied')
    .argument('[file]', 'a rules file to compare with')
    .description('Show by which rules each service says it judges, and whether a file is what they run by.')
    .option('--brokers <list>', 'host:port,… (else KAFKA_BROKERS)')
    .option('--json', 'print {digest, applied: [{service, digest, since, previous}]}')
    .addHelpText('after', examplesOf(examples, 'config applied') + exitCodesHelp)
    .action(async (file: string | undefined, { brokers, json }: Flags & { brokers?: string }) => {
      const { rulesIn } = await import('../rules/rules-file.ts');
      const { appliedTable, readAppliedRules } = await import('../rules/applied-rules.ts');
      const digest = file === undefined ? null : String(rulesIn(file).digest);
      const applied = await readAppliedRules(brokersOf(brokers));
      print(json ? JSON.stringify({ digest, applied }) : appliedTable(applied, digest));
      const isOther = digest !== null && applied.some((one) => one.digest !== digest);
      if (applied.length === 0 || isOther) exit(exitCodes.bad);
    });
}

function told(file: string, { ok, digest, problems, unset_variables: unset }: RulesReport): string {
  const needs = unset.length > 0 ? [`not set here, and needed: ${unset.join(', ')}`] : [];
  if (ok) return [`${file} is good; digest ${digest}`, ...needs].join('\n');
  return [
    ...problems.map(({ line, column, reason }) => `${file}:${line}:${column}: ${reason}`),
    ...needs,
  ].join('\n');
}
