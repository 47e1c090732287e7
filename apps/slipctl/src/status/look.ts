import { type Api, ApiError } from '../api.ts';
import { CliError } from '../exit.ts';
import type { IncidentView } from '../lists/render-incidents.ts';
import { showAmount } from '../output/show-amount.ts';
import { showTime } from '../output/show-time.ts';
import type { NamedService, ServiceName } from '../services.ts';
import type { SlipView } from '../timeline/views.ts';
import { type SightView, sightText } from './sight.ts';

/** One thing that was looked at. */
export interface Finding {
  /** `bad`: people have to do something. `unknown`: nobody could be asked. */
  readonly level: 'ok' | 'bad' | 'unknown';
  readonly what: string;
  readonly detail: string;
  /** What shows more of it. */
  readonly next: string | null;
}

/** Cases and slips that are counted; more of them are "at least" so many. */
const countedMax = 1_000;
const incidentsMax = 20;

/** Everything by which one sees whether something is wrong. Services that cannot be asked are findings, too. */
export async function lookAtAll(services: readonly NamedService[]): Promise<Finding[]> {
  const apis = new Map(services.map(({ name, api }) => [name, api]));
  const of = (name: ServiceName, what: string, look: (api: Api) => Promise<Finding[]>) => {
    const api = apis.get(name);
    return api ? findings(what, () => look(api)) : [];
  };
  const found = await Promise.all([
    ...services.map(({ name, api }) => findings(name, () => readiness(name, api))),
    of('reconciliation', 'detector', detector),
    of('reconciliation', 'returns', returns),
    of('gateway', 'providers', providers),
    ...services.map(({ name, api }) => findings(`${name} partitions`, () => stopped(name, api))),
    ...services.map(({ name, api }) => findings(`${name} dead letters`, () => letters(name, api))),
    of('reconciliation', 'incidents', incidents),
    of('reconciliation', 'cases', cases),
    of('ledger', 'not returned', notReturned),
    of('ledger', 'money at risk', money),
  ]);
  return found.flat();
}

async function findings(what: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    // Nothing is wrong with any service: the question was not ours to ask.
    if (error instanceof ApiError && error.status === 401) throw error;
    return [{ level: 'unknown', what, detail: error.message, next: null }];
  }
}

const good = (what: string, detail: string): Finding => ({ level: 'ok', what, detail, next: null });
const bad = (what: string, detail: string, next: string | null = null): Finding => {
  return { level: 'bad', what, detail, next };
};

async function readiness(name: string, api: Api): Promise<Finding[]> {
  const { ready, checks } = await api.readiness();
  if (ready) return [good(name, 'ready')];
  const why = checks.filter(({ ok }) => !ok).map((check) => `${check.name}: ${check.detail ?? 'not ok'}`);
  return [bad(name, `not ready: ${why.join('; ') || 'it drains'}`)];
}

async function detector(api: Api): Promise<Finding[]> {
  const { detector: sight, clocks } = await api.get<{
    detector: SightView;
    clocks: { clock: string; counts: { open: number } }[];
  }>('v1/watermarks');
  const open = clocks.find(({ clock }) => clock === 'wall')?.counts.open ?? 0;
  const detail = `${sightText(sight)}; ${open} live slips are open`;
  return [sight.blind ? bad('detector', detail, 'slipctl watermarks') : good('detector', detail)];
}

async function returns(api: Api): Promise<Finding[]> {
  const { data } = await api.get<{
    data: { provider: string; route: string; falling_since: string | null }[];
  }>('v1/return-curves');
  const falling = data.filter(({ falling_since }) => falling_since);
  if (falling.length === 0) return [good('returns', 'come back as they always do')];
  return falling.map(({ provider, route, falling_since }) => {
    const detail = `fewer than usual come back from ${provider} on route ${route} since ${showTime(falling_since!)}`;
    return bad('returns', detail, `slipctl slips --provider ${provider}`);
  });
}

async function providers(api: Api): Promise<Finding[]> {
  const { data } = await api.get<{ data: ProviderView[] }>('v1/providers');
  const wrong = data.flatMap(({ id, state, circuit }) => {
    const told: Finding[] = [];
    if (state?.disabled) told.push(bad('providers', `${id} is disabled`));
    if (circuit?.state === 'open')
      told.push(bad('providers', `${id} is not called: its calls failed too often`));
    return told;
  });
  return wrong.length > 0 ? wrong : [good('providers', `${data.length} take calls`)];
}

interface ProviderView {
  readonly id: string;
  readonly state: { readonly disabled?: boolean } | null;
  readonly circuit?: { readonly state?: string };
}

async function stopped(name: string, api: Api): Promise<Finding[]> {
  const { data } = await api.get<{ data: { topic: string; partition: number; why: string }[] }>(
    'v1/stopped-partitions',
  );
  return data.map(({ topic, partition, why }) =>
    bad(
      `${name} partitions`,
      `${topic} ${partition} stands: ${why}`,
      `slipctl partitions list --service ${name}`,
    ),
  );
}

async function letters(name: string, api: Api): Promise<Finding[]> {
  const { waiting } = await api.get<{
    waiting: { topic: string; reason: string; letters: number; slips: number }[];
  }>('v1/dead-letters/summary');
  return waiting.map(({ topic, reason, letters, slips }) => {
    const detail = `${letters} of ${topic} wait, of ${slips} slips: ${reason}`;
    return bad(`${name} dead letters`, detail, `slipctl dlq list --service ${name} --reason ${reason}`);
  });
}

async function incidents(api: Api): Promise<Finding[]> {
  try {
    const { data, next } = await api.get<{ data: IncidentView[]; next: string | null }>('v1/incidents', {
      ...{ status: 'open', page_size: String(incidentsMax) },
    });
    if (data.length === 0) return [good('incidents', 'none is open')];
    const more =
      next === null ? [] : [bad('incidents', `and more than these ${data.length}`, 'slipctl incidents')];
    return [...data.map(incident), ...more];
  } catch (error) {
    // A release before this one has none.
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

function incident({ id, provider, since, counts }: IncidentView): Finding {
  const whose = provider ?? 'our own trouble';
  const detail = `${whose} since ${showTime(since)}: ${counts.slips} slips were missed, ${counts.open} of them are open`;
  return bad('incidents', detail, `slipctl cases --incident ${id}`);
}

async function cases(api: Api): Promise<Finding[]> {
  const { data, next } = await api.get<{
    data: { reason: string; opened_at: string }[];
    next: string | null;
  }>('v1/cases', { status: 'open', page_size: String(countedMax) });
  if (data.length === 0) return [good('cases', 'none is open')];
  const reasons = [...Map.groupBy(data, ({ reason }) => reason)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([reason, of]) => `${of.length} ${reason}`);
  const oldest = data.map(({ opened_at }) => opened_at).toSorted()[0]!;
  const count = `${next === null ? '' : 'at least '}${data.length}`;
  return [
    bad(
      'cases',
      `${count} open (${reasons.join(', ')}), the oldest since ${showTime(oldest)}`,
      'slipctl cases',
    ),
  ];
}

/** No fault by itself: the repair may have ended them. It is where whoever misses a slip and knows no id begins. */
async function notReturned(api: Api): Promise<Finding[]> {
  const { data, next } = await api.get<{ data: SlipView[]; next: string | null }>('v1/slips', {
    ...{ not_returned: 'true', page_size: String(countedMax) },
  });
  if (data.length === 0) return [good('not returned', 'no live slip whose time is over lacks its answer')];
  const detail = `${next === null ? '' : 'at least '}${data.length} live slips had no answer in time, and have none since`;
  return [{ level: 'ok', what: 'not returned', detail, next: 'slipctl slips --not-returned' }];
}

async function money(api: Api): Promise<Finding[]> {
  const { data, next } = await api.get<{ data: SlipView[]; next: string | null }>('v1/slips', {
    ...{ not_returned: 'true', case: 'open', page_size: String(countedMax) },
  });
  if (data.length === 0 && next === null)
    return [good('money at risk', 'no slip with an open case lacks its answer')];
  const sums = new Map<string, bigint>();
  for (const { amount } of data) {
    if (amount) sums.set(amount.currency, (sums.get(amount.currency) ?? 0n) + BigInt(amount.amount));
  }
  const shown = [...sums].map(([currency, amount]) => showAmount({ amount: String(amount), currency }));
  const least = next === null ? '' : 'at least ';
  const detail = `${least}${shown.join(', ') || 'no money'} on ${data.length} slips that were not returned and have an open case`;
  return [bad('money at risk', detail, 'slipctl slips --not-returned --case open')];
}
