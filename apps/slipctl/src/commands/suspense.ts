import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, type Command, Option } from 'commander';
import { setting } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { apiOf } from '../services.ts';
import { decisionTable, moneyTable, postingTable } from '../suspense/render.ts';
import type { DecisionPreviewView, DecisionView, MoneyView } from '../suspense/views.ts';
import { given, type ListFlags, list, withListOptions } from './lists.ts';
import { type CommandContext, examplesOf, timeoutOption } from './options.ts';

const origins = ['denied', 'in_doubt', 'claimed'];
const whatBecomesOfIt = ['give_back', 'uphold', 'write_off'];
const statuses = ['proposed', 'approved', 'booked', 'overtaken', 'declined'];
const id = '019ac0de-0000-7000-8000-000000000001';

const help = `
Examples:
  slipctl suspense list                               denied after it was settled, or executed otherwise than asked
  slipctl suspense list --origin claimed --provider acme    the payer has it, and the provider owes it
  slipctl suspense propose SLIP write_off             the postings only
  slipctl suspense propose SLIP write_off --why "the provider is insolvent" --yes
  slipctl suspense decisions --status proposed        what waits for another person
  slipctl suspense approve ${id}    what is proposed only
  slipctl suspense approve ${id} --why "letter of 27 November" --yes
  slipctl suspense decline ${id} --why "it has been paid" --yes

One person proposes (TOKEN_OPS), another one approves or declines (TOKEN_APPROVER). What is approved is booked in the order of the log; what
was written off stands in house:own:losses, and nothing takes it back.`;

interface Flags {
  why?: string;
  token?: string;
  timeout: number;
  yes?: true;
  json?: true;
}

/** Money that waits for people: two of them say what becomes of it. */
export function addSuspense(program: Command, context: CommandContext): void {
  const suspense = program
    .command('suspense')
    .description('Show money that waits for people, and decide, as two of them, what becomes of it.')
    .addHelpText('after', `${help}\n${exitCodesHelp}`);
  addList(suspense, context);
  addDecisions(suspense, context);
  addPropose(suspense, context);
  addVerdict(suspense, context, 'approve', 'Approve what another person has proposed: it is booked.');
  addVerdict(suspense, context, 'decline', 'Decline what another person has proposed: nothing is moved.');
}

function addList(suspense: Command, context: CommandContext): void {
  const command = suspense
    .command('list')
    .description('What waits, of the oldest slip first.')
    .addOption(new Option('--origin <origin>', 'claimed is listed by this alone').choices(origins))
    .option('--slip <id>', 'of this slip, whatever its origin')
    .option('--account <name>', 'whose it would be')
    .option('--provider <id>', 'on whom it is claimed, or who executed')
    .option('--currency <code>', 'ISO 4217')
    .addOption(new Option('--proposed <answer>', 'whether somebody has proposed').choices(['true', 'false']));
  withListOptions(command, examplesOf(help, 'suspense list')).action(
    async (flags: ListFlags & Record<string, string>) => {
      const { origin, slip, account, provider, currency, proposed } = flags;
      await list<MoneyView>(context, flags, {
        api: apiOf('ledger', flags),
        path: 'v1/suspense',
        query: given({ origin, slip, account, provider, currency, proposed }),
        show: moneyTable,
      });
    },
  );
}

function addDecisions(suspense: Command, context: CommandContext): void {
  const command = suspense
    .command('decisions')
    .description('What people proposed, the newest first, and what came of it.')
    .option('--slip <id>', 'of this slip')
    .option('--by <person>', 'who proposed it')
    .addOption(new Option('--status <status>', 'in this one').choices(statuses));
  withListOptions(command, examplesOf(help, 'suspense decisions')).action(
    async (flags: ListFlags & Record<string, string>) => {
      const { slip, by, status } = flags;
      await list<DecisionView>(context, flags, {
        api: apiOf('ledger', flags),
        path: 'v1/suspense-decisions',
        query: given({ slip, by, status }),
        show: decisionTable,
      });
    },
  );
}

function addPropose(suspense: Command, { print, terminal }: CommandContext): void {
  const command = suspense
    .command('propose')
    .description('Propose what becomes of it. Shows the postings only, without --yes.')
    .argument('<slip>', 'its id')
    .addArgument(new Argument('<what>', 'becomes of it').choices(whatBecomesOfIt));
  withDecisionOptions(command, 'TOKEN_OPS').action(async (slip: string, decision: string, flags: Flags) => {
    const reason = reasonOf(flags);
    const api = apiOf('ledger', { ...flags, token: setting('operatorToken', flags.token) });
    const path = `v1/suspense/${encodeURIComponent(slip)}/decisions`;
    // The API wants a reason of a dry run, too, and keeps none.
    const preview = await api.post<DecisionPreviewView>(path, {
      ...{ decision, reason: reason ?? 'only shown', dry_run: true },
    });
    if (!flags.json) print(postingTable(preview));
    if (!flags.yes) return notDone(flags, preview, { print, terminal });
    const headers = { 'idempotency-key': `"${randomUUID()}"` };
    const kept = await api.post<DecisionView>(path, { decision, reason }, headers);
    print(flags.json ? JSON.stringify(kept) : decisionTable([kept]));
  });
}

function addVerdict(
  suspense: Command,
  { print, terminal, exit, nowMs }: CommandContext,
  verdict: 'approve' | 'decline',
  description: string,
): void {
  const command = suspense
    .command(verdict)
    .description(`${description} Shows it only, without --yes.`)
    .argument('<decision>', 'its id, as in `suspense decisions`');
  withDecisionOptions(command, 'TOKEN_APPROVER').action(async (decision: string, flags: Flags) => {
    const note = reasonOf(flags);
    const api = apiOf('ledger', { ...flags, token: setting('approverToken', flags.token) });
    const path = `v1/suspense-decisions/${encodeURIComponent(decision)}`;
    const proposed = await api.get<DecisionView>(path);
    if (!flags.yes) {
      const { data } = await api.get<{ data: MoneyView[] }>('v1/suspense', { slip: proposed.slip_id });
      if (!flags.json) print([decisionTable([proposed]), moneyTable(data)].join('\n\n'));
      return notDone(flags, { ...proposed, money: data[0] ?? null }, { print, terminal });
    }
    let kept = await api.post<DecisionView>(`${path}/${verdict}`, { note });
    const until = nowMs() + flags.timeout;
    while (kept.status === 'approved' && nowMs() < until) {
      await sleep(lookAgainMs);
      kept = await api.get<DecisionView>(path);
    }
    print(flags.json ? JSON.stringify(kept) : decisionTable([kept]));
    if (kept.status === 'approved')
      throw new CliError(
        'timeout',
        'it is approved, and not booked yet: `slipctl suspense decisions` tells when',
      );
    if (kept.status === 'overtaken') exit(exitCodes.bad);
  });
}

const lookAgainMs = 200;

function withDecisionOptions(command: Command, variable: string): Command {
  return command
    .option('--why <text>', 'kept with who said it and when; needed with --yes')
    .option('--yes', 'do it')
    .option('--token <token>', `bearer token (else ${variable})`)
    .addOption(timeoutOption('longest wait for one answer, and until it is booked', '30s'))
    .option('--json', "print the API's data")
    .addHelpText('after', examplesOf(help, `suspense ${command.name()}`) + exitCodesHelp);
}

/** @throws CliError (usage) when it is to be done, and nobody says why */
function reasonOf({ yes, why }: Flags): string | undefined {
  if (yes && !why) throw new CliError('usage', 'say why: --why TEXT is kept with it');
  return why;
}

function notDone(
  { json }: Flags,
  shown: object,
  { print, terminal }: Pick<CommandContext, 'print' | 'terminal'>,
): void {
  if (json) print(JSON.stringify(shown));
  else terminal.say('nothing was done: add --yes --why TEXT');
}
