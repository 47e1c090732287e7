import { CliError } from './exit.ts';

/** What has no option: the variables of a rules file, and secrets. */
export const variables: Readonly<Record<string, string | undefined>> = process.env;

/** The only reader of the environment; an option of the same meaning comes first. */
export const environment = {
  brokers: process.env.KAFKA_BROKERS,
  databaseUrl: process.env.DATABASE_URL,
  intakeUrl: process.env.INTAKE_URL,
  gatewayUrl: process.env.GATEWAY_URL,
  ledgerUrl: process.env.LEDGER_URL,
  reconciliationUrl: process.env.RECONCILIATION_URL,
  /** Both roles may do all that slipctl does but `statements send`, which operators may, and decisions about money. An empty variable counts as absent. */
  token: process.env.TOKEN_SRE || process.env.TOKEN_OPS,
  /** One person proposes what becomes of money, another one approves. */
  operatorToken: process.env.TOKEN_OPS,
  approverToken: process.env.TOKEN_APPROVER,
} as const;

const sayings: Readonly<Record<keyof typeof environment, string>> = {
  brokers: 'Kafka is not named: set KAFKA_BROKERS or give --brokers',
  databaseUrl: 'the database is not named: set DATABASE_URL or give --database-url',
  intakeUrl: 'intake is not named: set INTAKE_URL',
  gatewayUrl: 'the gateway is not named: set GATEWAY_URL',
  ledgerUrl: 'the ledger is not named: set LEDGER_URL or give --ledger-url',
  reconciliationUrl: 'reconciliation is not named: set RECONCILIATION_URL or give --reconciliation-url',
  token: 'there is no bearer token: set TOKEN_SRE (or TOKEN_OPS) or give --token',
  operatorToken: 'there is no bearer token of an operator: set TOKEN_OPS or give --token',
  approverToken: 'there is no bearer token of an approver: set TOKEN_APPROVER or give --token',
};

/** @throws CliError (usage) when the setting is neither an option nor in the environment */
export function setting(name: keyof typeof environment, option: string | undefined): string {
  const value = option ?? environment[name];
  if (!value) throw new CliError('usage', sayings[name]);
  return value;
}

/** Kafka's addresses, `host:port,…`. @throws CliError (usage) as {@link setting} */
export function brokersOf(option: string | undefined): string[] {
  return setting('brokers', option)
    .split(',')
    .map((broker) => broker.trim());
}
