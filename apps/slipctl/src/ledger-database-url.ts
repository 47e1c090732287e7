import { setting } from './config.ts';
import { CliError } from './exit.ts';

/** The URL that was given, or the database `ledger` of the server that the environment names. */
export function ledgerDatabaseUrl(given: string | undefined): string {
  const text = setting('databaseUrl', given);
  const url = postgresUrl(text, given === undefined ? 'DATABASE_URL' : '--database-url');
  if (given !== undefined) return given;
  url.pathname = '/ledger';
  return url.href;
}

/** What pg takes without a word is asked for on this machine. @throws CliError (usage), without the password that may be in it */
function postgresUrl(text: string, name: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    throw new CliError(
      'usage',
      `${name} is no URL of PostgreSQL, like postgres://slipstream@127.0.0.1:5432/ledger`,
    );
  return url;
}
