import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { table } from '../output/table.ts';
import { chosenServices, type NamedService, type ServiceName } from '../services.ts';
import { type CommandContext, examplesOf, servicesOption, withServiceOptions } from './options.ts';

interface Flags {
  service?: ServiceName[];
  wait?: true;
  token?: string;
  timeout: number;
  json?: true;
}

/** What a service says of its database beside its own events on the topic (rule 4). */
interface Standing {
  readonly service: ServiceName;
  /** `not_current`: they do not fit, `detail` says how; `unknown`: it could not be asked, or a release before this one does not say. */
  readonly database: 'current' | 'not_current' | 'unknown';
  readonly ready: boolean;
  readonly detail: string;
}

const examples = `
Examples:
  slipctl restore check                      after a backup was put back, or a standby took over
  slipctl restore check --wait --timeout 1h  until every service takes work again

Each service compares its database with its own events on the topic, and takes no work while the database lacks some. All fold them back by
themselves; files of statements that were accepted since are given to reconciliation again (docs/runbooks/service-older-than-its-log.md).`;

export function addRestore(program: Command, context: CommandContext): void {
  const restore = program
    .command('restore')
    .description('After a database was put back: is it as new as what it has published?')
    .addHelpText('after', `${examples}\n${exitCodesHelp}`);
  const command = restore
    .command('check')
    .description(
      'Say of each service whether its database has all that it has published; exit 1 when one has not.',
    )
    .option('--wait', 'ask again until all have, and are ready');
  withServiceOptions(
    command.addOption(servicesOption()),
    '10s',
    examplesOf(examples, 'restore check'),
  ).action((flags: Flags) => check(flags, context));
}

/** A service that does not answer is asked again, too; one answer takes no longer than this while it is waited. */
const askMsMax = 5_000;
const lookAgainMs = 500;

async function check(flags: Flags, { print, exit, nowMs, terminal }: CommandContext): Promise<void> {
  const { service, token, timeout, wait, json } = flags;
  const timeoutMs = wait ? Math.min(timeout, askMsMax) : timeout;
  const services = chosenServices(service, { token, timeoutMs });
  const until = nowMs() + timeout;
  let standings = await Promise.all(services.map(standingOf));
  let told = '';
  while (wait && !standings.every(isWell) && nowMs() < until) {
    const now = standings
      .filter((one) => !isWell(one))
      .map((one) => `${one.service}: ${one.detail}`)
      .join('; ');
    if (now !== told) terminal.say(`waiting: ${now}`);
    told = now;
    await sleep(lookAgainMs);
    standings = await Promise.all(services.map(standingOf));
  }
  const ok = standings.every(isWell);
  print(json ? JSON.stringify({ ok, services: standings }) : toText(standings, ok));
  if (ok) return;
  if (wait)
    throw new CliError('timeout', 'not all services are ready: --wait waited as long as --timeout says');
  exit(standings.some(isBad) ? exitCodes.bad : exitCodes.unreachable);
}

/** Said by the service itself; who gives no answer says nothing. */
const isBad = ({ database, ready }: Standing) =>
  database === 'not_current' || (database === 'current' && !ready);

const isWell = ({ database, ready }: Standing) => ready && database === 'current';

async function standingOf({ name, api }: NamedService): Promise<Standing> {
  try {
    const { ready, checks } = await api.readiness();
    const ownLog = checks.find((one) => one.name === 'own log');
    const database = ownLog === undefined ? 'unknown' : ownLog.ok ? 'current' : 'not_current';
    const wrong = checks.filter(({ ok }) => !ok).map((one) => `${one.name}: ${one.detail ?? 'not ok'}`);
    return { service: name, database, ready, detail: wrong.join('; ') || '-' };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { service: name, database: 'unknown', ready: false, detail: error.message };
  }
}

const words = { current: 'as new as its log', not_current: 'NOT as its log', unknown: '?' } as const;

function toText(standings: readonly Standing[], ok: boolean): string {
  const rows = standings.map((one) => [
    one.service,
    words[one.database],
    one.ready ? 'yes' : 'NO',
    one.detail,
  ]);
  const verdict = ok
    ? 'every database is as new as what it has published'
    : 'NOT every service has all that it has published, and is ready';
  return `${table([['service', 'database', 'ready', 'why'], ...rows])}\n\n${verdict}`;
}
