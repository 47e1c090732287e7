import { styleText } from 'node:util';
import type { Command } from 'commander';
import { exitCodes, exitCodesHelp } from '../exit.ts';
import { table } from '../output/table.ts';
import { chosenServices } from '../services.ts';
import { type Finding, lookAtAll } from '../status/look.ts';
import { type CommandContext, timeoutOption } from './options.ts';

interface Flags {
  token?: string;
  timeout: number;
  json?: true;
}

const examples = `
Examples:
  slipctl status
  slipctl status --json | jq '.findings[] | select(.level == "bad")'

Exits 1 when people have to do something, 3 when a service could not be asked.`;

export function addStatus(program: Command, { print, exit }: CommandContext): void {
  program
    .command('status')
    .description('Is anything wrong? Services, the detector, providers, dead letters, cases, money at risk.')
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for one answer', '10s'))
    .option('--json', 'print {ok, findings}')
    .addHelpText('after', `${examples}\n${exitCodesHelp}`)
    .action(async (flags: Flags) => {
      const services = chosenServices(undefined, { token: flags.token, timeoutMs: flags.timeout });
      const findings = await lookAtAll(services);
      const ok = findings.every(({ level }) => level === 'ok');
      print(flags.json ? JSON.stringify({ ok, findings }) : told(findings, ok));
      if (findings.some(({ level }) => level === 'bad')) exit(exitCodes.bad);
      else if (!ok) exit(exitCodes.unreachable);
    });
}

const levels = { ok: 'ok', bad: styleText('red', 'WRONG'), unknown: styleText('yellow', '?') } as const;

function told(findings: readonly Finding[], ok: boolean): string {
  const rows = findings.map(({ level, what, detail }) => [levels[level], what, detail]);
  const next = [...new Set(findings.flatMap((finding) => finding.next ?? []))];
  const hints = next.length === 0 ? [] : ['', 'see:', ...next.map((command) => `  ${command}`)];
  return [
    table([['state', 'what', 'detail'], ...rows]),
    ...hints,
    '',
    ok ? 'nothing is wrong' : 'something is wrong',
  ].join('\n');
}
