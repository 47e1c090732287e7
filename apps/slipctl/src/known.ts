import { type Api, ApiError } from './api.ts';
import { CliError } from './exit.ts';
import { knownServices, type ServiceName } from './services.ts';

/** What filters name that is there or not; the values of one filter. */
export interface Names {
  readonly slip?: readonly string[];
  readonly reference?: readonly string[];
  readonly account?: readonly string[];
  readonly provider?: readonly string[];
  readonly incident?: readonly string[];
  readonly statement?: readonly string[];
  readonly clock?: readonly string[];
  readonly trace?: readonly string[];
  readonly counterparty?: readonly string[];
  readonly providerReference?: readonly string[];
  readonly route?: readonly string[];
  readonly currency?: readonly string[];
}

type Kind = keyof Names;

/** Where it is asked whether there is one; the first path is of that alone, others are lists of what would name it. */
interface Place {
  readonly service: ServiceName;
  readonly path: (name: string) => string;
  readonly query?: (name: string, names: Names) => Readonly<Record<string, string | undefined>>;
}

const one = (path: string) => (name: string) => `${path}/${encodeURIComponent(name)}`;
const anySlip = (filter: string): Place => ({
  ...{ service: 'ledger', path: () => 'v1/slips' },
  query: (name, { clock }) => ({ clock: clock?.[0], [filter]: name, page_size: '1' }),
});

const places: Readonly<Record<Kind, readonly Place[]>> = {
  slip: [{ service: 'ledger', path: one('v1/slips') }],
  reference: [anySlip('reference')],
  // A customer whose slips moved nothing, a provider that left the rules: their slips are there all the same.
  account: [{ service: 'ledger', path: one('v1/accounts') }, anySlip('account')],
  provider: [{ service: 'gateway', path: one('v1/providers') }, anySlip('provider')],
  incident: [{ service: 'reconciliation', path: one('v1/incidents') }],
  statement: [{ service: 'reconciliation', path: one('v1/statements') }],
  clock: [anySlip('clock')],
  // Rules name routes, and no service lists them: of one that carried no slip yet it is said that none has it.
  route: [anySlip('route')],
  currency: [anySlip('currency')],
  counterparty: [anySlip('counterparty')],
  providerReference: [anySlip('provider_reference')],
  trace: [
    {
      ...{ service: 'ledger', path: () => 'v1/events' },
      query: (trace, { clock }) => ({ clock: clock?.[0], trace, page_size: '1' }),
    },
  ],
};

const articles: Readonly<Record<Kind, string>> = {
  ...{ slip: 'slip', account: 'account', provider: 'provider', incident: 'incident' },
  ...{ reference: 'slip with the reference', statement: 'statement', clock: 'slip on the clock' },
  trace: 'slip that began with a request of trace',
  ...{ route: 'slip of the route', currency: 'slip in', counterparty: 'slip that pays' },
  providerReference: "slip with the provider's reference",
};

/**
 * Asked where nothing was found: a mistyped name finds nothing, and that would say that all is well. What nobody can be asked
 * about, for want of an address or of the right to, is taken for known.
 * @throws CliError (bad) with the first name that nobody has
 */
export async function requireKnown(
  names: Names,
  { token, timeout }: { readonly token?: string | undefined; readonly timeout: number },
): Promise<void> {
  const apis = new Map(knownServices({ token, timeoutMs: timeout }).map(({ name, api }) => [name, api]));
  for (const [kind, places] of Object.entries(placesOf(names))) {
    for (const name of names[kind as Kind] ?? []) {
      if (await isKnown(places, { name, names, apis })) continue;
      throw new CliError(
        'bad',
        `there is no ${articles[kind as Kind]} ${name}${whereOf(kind as Kind, names)}`,
      );
    }
  }
}

const placesOf = (names: Names) =>
  Object.fromEntries(Object.entries(places).filter(([kind]) => names[kind as Kind] !== undefined));

async function isKnown(
  places: readonly Place[],
  { name, names, apis }: { name: string; names: Names; apis: ReadonlyMap<ServiceName, Api> },
): Promise<boolean> {
  for (const { service, path, query } of places) {
    const api = apis.get(service);
    if (api === undefined) return true;
    try {
      if (query === undefined) {
        await api.get(path(name));
        return true;
      }
      // A page may be empty while another one follows.
      for await (const page of api.pages(path(name), query(name, names))) if (page.length > 0) return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 404) return true;
    }
  }
  return false;
}

const ofOneClock: ReadonlySet<Kind> = new Set([
  ...(['reference', 'route', 'currency', 'counterparty', 'providerReference'] as const),
]);

function whereOf(kind: Kind, { clock }: Names): string {
  if (!ofOneClock.has(kind)) return '';
  return clock === undefined
    ? ' on the wall clock; --clock NAME looks at an import'
    : ` on the clock ${clock[0]}`;
}
