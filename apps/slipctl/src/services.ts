import { Api } from './api.ts';
import { environment, setting } from './config.ts';
import { CliError } from './exit.ts';

/** The services that are asked one by one, by the names of `--service`. */
export const serviceNames = ['intake', 'gateway', 'ledger', 'reconciliation'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface NamedService {
  readonly name: ServiceName;
  readonly api: Api;
}

const addresses: Readonly<
  Record<ServiceName, { readonly variable: string; readonly url: string | undefined }>
> = {
  intake: { variable: 'INTAKE_URL', url: environment.intakeUrl },
  gateway: { variable: 'GATEWAY_URL', url: environment.gatewayUrl },
  ledger: { variable: 'LEDGER_URL', url: environment.ledgerUrl },
  reconciliation: { variable: 'RECONCILIATION_URL', url: environment.reconciliationUrl },
};

/**
 * The services that are meant: those named, else all whose address is known.
 * @throws CliError (usage) when a named one's address is not known, or none is
 */
export function chosenServices(
  named: readonly ServiceName[] | undefined,
  { token, timeoutMs }: { readonly token: string | undefined; readonly timeoutMs: number },
): readonly NamedService[] {
  const names = named ?? serviceNames.filter((name) => addresses[name].url);
  if (names.length === 0) {
    const variables = serviceNames.map((name) => addresses[name].variable).join(', ');
    throw new CliError('usage', `no service is named: set one or more of ${variables}`);
  }
  const bearer = setting('token', token);
  return names.map((name) => {
    const { url, variable } = addresses[name];
    if (!url) throw new CliError('usage', `${name} is not named: set ${variable}`);
    return { name, api: new Api({ name, url, token: bearer, timeoutMs }) };
  });
}

/** Every service whose address is known; none is none. */
export function knownServices(of: { readonly token: string | undefined; readonly timeoutMs: number }) {
  const names = serviceNames.filter((name) => addresses[name].url);
  return names.length === 0 ? [] : chosenServices(names, of);
}

/** One service. @throws CliError (usage) when its address or a token is not known */
export function apiOf(
  name: ServiceName,
  { token, timeout }: { readonly token?: string | undefined; readonly timeout: number },
): Api {
  return chosenServices([name], { token, timeoutMs: timeout })[0]!.api;
}

/** What those say that answer, and why the others do not. */
export interface Asked<T> {
  readonly answers: readonly (T & { readonly service: ServiceName })[];
  readonly failures: readonly CliError[];
}

/**
 * Asks every service for what is nowhere else.
 * @throws CliError when none answers: nothing is known then, and an empty list would say that nothing is there
 */
export async function askAll<T>(
  services: readonly NamedService[],
  ask: (service: NamedService) => Promise<T>,
): Promise<Asked<T>> {
  const failures: CliError[] = [];
  const answers = await askEach(services, ask, (error) => failures.push(error));
  if (answers.length === 0 && failures.length > 0) throw together(failures);
  return { answers, failures };
}

/** One error of several; what all of them end with is that of the first. */
export function together(failures: readonly CliError[]): CliError {
  const told = failures.map(({ message }) => message).join('; ');
  return new CliError(failures[0]!.exit, told, { cause: failures[0] });
}

/** Asks every service; `failed` is told of those that gave no answer, the others count all the same. */
export async function askEach<T>(
  services: readonly NamedService[],
  ask: (service: NamedService) => Promise<T>,
  failed: (error: CliError) => void,
): Promise<(T & { readonly service: ServiceName })[]> {
  const answers = await Promise.all(
    services.map(async (service) => {
      try {
        return [{ ...(await ask(service)), service: service.name }];
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        failed(error);
        return [];
      }
    }),
  );
  return answers.flat();
}
