import { nearest } from '@slipstream/kernel';
import type { Command } from 'commander';
import { brokersOf } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { lagJson, lagTable } from '../kafka/render-lag.ts';
import { type CommandContext, countOption } from './options.ts';

interface Flags {
  brokers?: string;
  json?: true;
}

interface LagFlags extends Flags {
  group?: string[];
  partitions?: true;
  max?: number;
}

const lagHelp = `
Read from Kafka itself, so also of groups that no service here owns. A service tells Kafka where it is about every second, after its database
knows it.

Examples:
  slipctl lag                       each group and topic: how many records are not handled
  slipctl lag --group ledger --partitions
  slipctl lag --max 10000           exit 1 when a group is further behind`;

export function addLag(program: Command, { print, exit }: CommandContext): void {
  program
    .command('lag')
    .description('Show how far consumer groups are behind, by topic or by partition.')
    .option('--group <name...>', 'of these groups')
    .option('--partitions', 'each partition for itself')
    .option('--max <records>', 'exit 1 when a group is further behind on a topic', countOption)
    .option('--brokers <list>', 'host:port,… (else KAFKA_BROKERS)')
    .option('--json', 'print every partition as JSON')
    .addHelpText('after', `${lagHelp}\n${exitCodesHelp}`)
    .action(async ({ brokers, group, partitions, max, json }: LagFlags) => {
      const [{ readLag }, { allTopics }] = await Promise.all([
        import('@slipstream/kafka'),
        import('@slipstream/contracts'),
      ]);
      const kafka = await kafkaOf(brokers);
      const names = allTopics.map(({ name }) => name);
      const all = await asked(() => readLag(kafka, names));
      const unknown = group?.find((name) => all.every((lag) => lag.group !== name));
      // A mistyped one would never be behind.
      if (unknown !== undefined) {
        const found = nearest(unknown, new Set(all.map((lag) => lag.group)));
        const hint = found === null ? '' : `; did you mean ${found}?`;
        throw new CliError('bad', `no group ${unknown} has said where it is${hint}`);
      }
      const lags = group === undefined ? all : all.filter((lag) => group.includes(lag.group));
      print(json ? JSON.stringify(lags.map(lagJson)) : lagTable(lags, partitions === true));
      const sums = Map.groupBy(lags, (lag) => `${lag.group} ${lag.topic}`).values();
      const most = Math.max(0, ...[...sums].map((of) => of.reduce((sum, { behind }) => sum + behind, 0)));
      // Brokers keep silent about what a login may not see: nobody is known to be near the end.
      if (max !== undefined && (most > max || lags.length === 0)) exit(exitCodes.bad);
    });
}

const topicsHelp = `
Compares what this release declares with what the brokers have: topics, partitions, retention and other settings. A topic with another
number of partitions is never changed: its keys would move. With --create what lacks is made; a topic that is kept for ever and lacks beside others
was lost, and is not made anew.

Examples:
  slipctl topics check
  slipctl topics check --create`;

export function addTopics(program: Command, { print, exit }: CommandContext): void {
  program
    .command('topics')
    .description("Look at Slipstream's topics.")
    .command('check')
    .description('Compare topics with what this release declares; exit 1 when something is otherwise.')
    .option('--create', 'make what lacks')
    .option('--brokers <list>', 'host:port,… (else KAFKA_BROKERS)')
    .option('--json', 'print {ok, missing, created, problems}')
    .addHelpText('after', `${topicsHelp}\n${exitCodesHelp}`)
    .action(async ({ brokers, create, json }: Flags & { create?: true }) => {
      const [{ compareTopics, ensureTopics, lostTopics }, { allTopics }] = await Promise.all([
        import('@slipstream/kafka'),
        import('@slipstream/contracts'),
      ]);
      const kafka = await kafkaOf(brokers);
      const found = await asked(() => compareTopics(kafka));
      const lost = new Set(lostTopics(found));
      const wanted = create ? found.missing.filter((topic) => !lost.has(topic)) : [];
      if (wanted.length > 0) await asked(() => ensureTopics(kafka, wanted));
      const missing = found.missing.filter((topic) => !wanted.includes(topic)).map(({ name }) => name);
      const gone = create
        ? [...lost].map(({ name }) => `${name} is kept for ever, and is gone: restore it with its records`)
        : [];
      const problems = [...found.problems, ...gone];
      const ok = missing.length === 0 && problems.length === 0;
      const created = wanted.map(({ name }) => name);
      print(
        json
          ? JSON.stringify({ ok, missing, created, problems })
          : [
              ...created.map((name) => `made: ${name}`),
              ...missing.map((name) => `missing: ${name}`),
              ...problems,
              ...(missing.length === allTopics.length ? ['none is there, or this login may see none'] : []),
              ok ? 'the topics are as declared' : 'the topics are NOT as declared',
            ].join('\n'),
      );
      if (!ok) exit(exitCodes.bad);
    });
}

async function kafkaOf(brokers: string | undefined) {
  const { openKafka } = await import('../kafka.ts');
  return openKafka(brokersOf(brokers), 'slipctl');
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw (await import('../kafka.ts')).kafkaError(error);
  }
}
