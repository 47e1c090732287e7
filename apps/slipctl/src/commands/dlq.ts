import type { DeadLetter } from '@slipstream/kafka';
import { type Instant, nearest } from '@slipstream/kernel';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Api } from '../api.ts';
import { followRedrives } from '../dlq/follow.ts';
import { pageMax, readLetters } from '../dlq/read-letters.ts';
import { letterTable, previewTable, redriveTable } from '../dlq/render.ts';
import type { LetterView, PreviewView } from '../dlq/views.ts';
import { waitingSlips, waitingTable } from '../dlq/waiting-slips.ts';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { askAll, chosenServices, knownServices, type NamedService, type ServiceName } from '../services.ts';
import { findSlip } from '../timeline/find-slip.ts';
import {
  type CommandContext,
  examplesOf,
  servicesOption,
  tell,
  timeOption,
  withServiceOptions,
} from './options.ts';

interface Common {
  service?: ServiceName[];
  token?: string;
  timeout: number;
  json?: true;
}

interface Filter {
  topic?: string;
  partition?: number;
  slip?: string;
  reason?: string;
  before?: Instant;
}

const examples = `
Examples:
  slipctl dlq list --reason failed            what waits, in every service whose address is known
  slipctl dlq slips                           slips that wait, and how much of each
  slipctl dlq show 17 --service ledger        one record: why, its event, its bytes
  slipctl dlq redrive --reason failed         counts only
  slipctl dlq redrive --before 2026-11-26T00:00:00Z   what was set aside before then
  slipctl dlq redrive --reason failed --yes --why "bug 42 is mended"
  slipctl dlq dismiss 17 --service ledger --why "a test record"

A slip is read again from its first dead letter on, in order; one that fails again waits on. After five tries it is
left alone.`;

/** Dead letters of the services: seen, read again, given up (rule 9). */
export function addDlq(program: Command, context: CommandContext): void {
  const dlq = program
    .command('dlq')
    .description('Show what services set aside, let it be read again, or give it up.')
    .addHelpText('after', `${examples}\n${exitCodesHelp}`);
  addList(dlq, context);
  addSlips(dlq, context);
  addShow(dlq, context);
  addRedrive(dlq, context);
  addDismiss(dlq, context);
}

function addList(dlq: Command, { print, exit, terminal }: CommandContext): void {
  const command = dlq.command('list').description('Records that were set aside, the oldest first.');
  withFilter(withCommon(command, '10s'))
    .addOption(
      new Option('--status <status>', 'of these').choices([...letterStatuses, 'all']).default('parked'),
    )
    .option('--limit <count>', 'of each service', count, 100)
    .action(async (flags: Common & Filter & { status: string; limit: number }) => {
      await requireTopic(flags);
      const services = chosenServices(flags.service, { token: flags.token, timeoutMs: flags.timeout });
      const status = flags.status === 'all' ? undefined : flags.status;
      const { answers: pages, failures } = await askAll(services, ({ api }) =>
        readLetters(api, { ...queryOf(flags), status }, flags),
      );
      const letters = pages.flatMap(({ service, letters: of }) =>
        of.map((letter) => ({ ...letter, service })),
      );
      if (letters.length === 0 && failures.length === 0) await requireNamed(flags);
      print(flags.json ? JSON.stringify(letters) : letterTable(letters));
      for (const { service, hasMore } of pages)
        if (hasMore) terminal.say(`${service} has more: raise --limit`);
      tell(failures, { terminal, exit }, flags);
    });
}

function addSlips(dlq: Command, { print, exit, terminal }: CommandContext): void {
  const command = dlq
    .command('slips')
    .description('Slips that wait, the longest first: behind which record, and how many wait behind it.');
  withCommon(command, '30s')
    .addOption(reasonOption('why the first of them was set aside'))
    .action(async (flags: Common & { reason?: string }) => {
      const services = chosenServices(flags.service, { token: flags.token, timeoutMs: flags.timeout });
      const { answers: found, failures } = await askAll(services, async ({ name, api }) => {
        const letters: LetterView[] = [];
        for await (const page of api.pages<LetterView>('v1/dead-letters', {
          ...{ status: 'parked', page_size: '1000' },
        }))
          letters.push(...page);
        return { slips: waitingSlips(name, letters) };
      });
      const slips = found
        .flatMap(({ slips: of }) => of)
        .filter(({ first }) => flags.reason === undefined || first.reason === flags.reason)
        .toSorted((a, b) => (a.first.failed_at < b.first.failed_at ? -1 : 1));
      print(flags.json ? JSON.stringify(slips) : waitingTable(slips));
      tell(failures, { terminal, exit }, flags);
    });
}

function addShow(dlq: Command, { print }: CommandContext): void {
  const command = dlq
    .command('show')
    .description('One record: its headers, its event, its bytes (JSON).')
    .argument('<id>');
  withCommon(command, '10s').action(async (id: string, flags: Common) => {
    const { api } = only(flags);
    const letter = await api.get<object>(`v1/dead-letters/${encodeURIComponent(id)}`);
    print(flags.json ? JSON.stringify(letter) : JSON.stringify(letter, null, 2));
  });
}

function addRedrive(dlq: Command, { print, exit, terminal, nowMs }: CommandContext): void {
  const command = dlq
    .command('redrive')
    .description('Reads records again, per slip in order. Counts only, without --yes.');
  withFilter(withCommon(command, '5m'))
    .option('--id <id...>', 'ids of letters, with one --service')
    .option('--limit <count>', 'slips of each service', count, 1_000)
    .option('--per-second <count>', 'letters', count, 50)
    .option('--yes', 'do it')
    .option('--why <text>', 'kept with who asked and when; needed with --yes')
    .action(
      async (
        flags: Common &
          Filter & { id?: string[]; limit: number; perSecond: number; yes?: true; why?: string },
      ) => {
        if (flags.yes && !flags.why)
          throw new CliError('usage', 'say why: --why TEXT is kept with the redrive');
        await requireTopic(flags);
        if (flags.id && flags.before)
          throw new CliError('usage', '--id and --before are two ways to choose: give one');
        if (flags.id) await requireLetters(only(flags), flags.id);
        const services = chosenServices(flags.service, { token: flags.token, timeoutMs: flags.timeout });
        const { topic, partition, slip, reason, before, id: ids, limit, perSecond, why } = flags;
        const filter = { topic, partition, slip, reason };
        const bodies = new Map<ServiceName, object>();
        const { answers: counted, failures } = await askAll(services, async ({ name, api }) => {
          const old = before === undefined ? ids : await oldOnes(api, flags);
          if (old?.length === 0) return nothing;
          const body = { ...(old ? { ids: old } : { filter }), limit };
          bodies.set(name, body);
          return api.post<PreviewView>('v1/dead-letters/redrive', { ...body, dry_run: true });
        });
        if (counted.every(({ letters }) => letters === 0) && failures.length === 0) await requireNamed(flags);
        if (!flags.json) print(previewTable(counted));
        if (!flags.yes) {
          if (flags.json) print(JSON.stringify(counted));
          else terminal.say('nothing was done: add --yes --why TEXT');
          return tell(failures, { terminal, exit }, flags);
        }
        const meant = services.filter(({ name }) =>
          counted.some(({ service, letters }) => service === name && letters > 0),
        );
        const { answers: asked, failures: refused } = await askAll(meant, async (service) => {
          const order = { ...bodies.get(service.name), dry_run: false, per_second: perSecond, reason: why };
          return { of: service, ...(await service.api.post<PreviewView>('v1/dead-letters/redrive', order)) };
        });
        for (const { service, letters } of asked) {
          const before = counted.find((one) => one.service === service)!.letters;
          // Two operators at once: what the other one ordered is read again once.
          if (letters < before)
            terminal.say(`${service}: of ${before} letters ${before - letters} are no longer there to order`);
        }
        const followed = asked.map(({ of, id, letters }) => ({ service: of, id: id!, letters }));
        const done = await followRedrives(followed, { terminal, nowMs, timeoutMs: flags.timeout });
        print(flags.json ? JSON.stringify(done) : redriveTable(done));
        if (done.some((redrive) => redrive.failed > 0)) exit(exitCodes.bad);
        tell([...failures, ...refused], { terminal, exit }, flags);
      },
    );
}

function addDismiss(dlq: Command, { print }: CommandContext): void {
  const command = dlq
    .command('dismiss')
    .description('Gives one record up; what waits behind it is read again.')
    .argument('<id>');
  withCommon(command, '10s')
    .requiredOption('--why <text>', 'kept with who gave it up and when')
    .action(async (id: string, flags: Common & { why: string }) => {
      const { api } = only(flags);
      const path = `v1/dead-letters/${encodeURIComponent(id)}/dismiss`;
      const answer = await api.post<{ released: number }>(path, { reason: flags.why });
      print(flags.json ? JSON.stringify(answer) : `dismissed; ${answer.released} records behind it go on`);
    });
}

const letterStatuses = ['parked', 'queued', 'redriven', 'dismissed'];

const reasons: readonly DeadLetter['reason'][] = [
  ...(['rejected', 'failed', 'undecodable', 'too_new', 'parked_behind', 'stranger'] as const),
];

/** A mistyped one would find nothing, and say so of services that set something aside. */
const reasonOption = (description: string) => new Option('--reason <reason>', description).choices(reasons);

function withCommon(command: Command, timeout: string): Command {
  const help = examplesOf(examples, `dlq ${command.name()}`);
  return withServiceOptions(command.addOption(servicesOption()), timeout, help);
}

function withFilter(command: Command): Command {
  return command
    .option('--topic <name>', 'of this topic')
    .option('--partition <number>', 'of this partition', (text) => count(text, 0))
    .option('--slip <id>', "of this slip; on inbound topics the record's key")
    .addOption(reasonOption('why it was set aside'))
    .option(
      '--before <time>',
      'set aside before then (RFC 3339); the whole slip of each is read again',
      timeOption,
    );
}

const nothing: PreviewView = { id: null, letters: 0, slips: 0, exhausted: 0, by_reason: [] };

/** The first thousand of them: as many as a redrive takes by their ids. */
async function oldOnes(api: Api, flags: Filter): Promise<string[]> {
  const { letters } = await readLetters(
    api,
    { ...queryOf(flags), status: 'parked' },
    { ...flags, limit: pageMax },
  );
  return letters.map(({ id }) => id);
}

/** A mistyped one would find nothing. @throws CliError (usage) */
async function requireTopic({ topic, partition = 0 }: Filter): Promise<void> {
  const { allTopics } = await import('@slipstream/contracts');
  const meant = allTopics.filter(({ name }) => topic === undefined || name === topic);
  if (meant.length === 0) {
    const found = nearest(
      topic!,
      allTopics.map(({ name }) => name),
    );
    const hint =
      found === null ? '`slipctl topics check` looks at those there are' : `did you mean ${found}?`;
    throw new CliError('usage', `there is no topic ${topic}: ${hint}`);
  }
  const last = Math.max(...meant.map(({ partitions }) => partitions)) - 1;
  if (partition > last)
    throw new CliError('usage', `there is no partition ${partition}: the last is ${last}`);
}

/** Of what is asked for by its id, what is not there is told, also beside what is. @throws CliError (bad) */
async function requireLetters({ api }: NamedService, ids: readonly string[]): Promise<void> {
  for (const id of ids) await api.get<object>(`v1/dead-letters/${encodeURIComponent(id)}`);
}

/** Where nothing waits; on inbound topics a record is named by its key, a reference. @throws CliError (bad) */
async function requireNamed({ slip, token, timeout }: Common & Filter): Promise<void> {
  const ledger = knownServices({ token, timeoutMs: timeout }).find(({ name }) => name === 'ledger');
  if (slip === undefined || ledger === undefined) return;
  await findSlip(ledger.api, slip, null);
}

/** A letter's id says nothing without its service. */
function only(flags: Common) {
  if (flags.service?.length !== 1)
    throw new CliError('usage', 'ids belong to one service: give --service NAME');
  return chosenServices(flags.service, { token: flags.token, timeoutMs: flags.timeout })[0]!;
}

function queryOf({ topic, partition, slip, reason }: Filter): Record<string, string | undefined> {
  return { topic, partition: partition?.toString(), slip, reason };
}

function count(text: string, _before: unknown): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
}
