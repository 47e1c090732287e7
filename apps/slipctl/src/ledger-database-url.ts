import { environment, setting } from './config.ts';
import { CliError } from './exit.ts';

/** The URL that was given, or the database `ledger` of the server that the environment names. */
export function ledgerDatabaseUrl(given: string | undefined): string {
  if (given !== undefined) return given;
  const url = URL.parse(setting('databaseUrl', environment.databaseUrl));
  if (url === null) throw new CliError('usage', 'DATABASE_URL is no URL');
  url.pathname = '/ledger';
  return url.href;
}
