import { seededRandom } from '@slipstream/kernel';
import type { DemoOutage } from './outage.ts';

/** One slip of the demo feed, and when it is submitted, in milliseconds after the feed's start. */
export interface PlannedSlip {
  readonly atMs: number;
  readonly reference: string;
  readonly kind: 'order' | 'payout' | 'payment';
  readonly account: string;
  readonly counterparty: string;
  readonly amount: { readonly amount: string; readonly currency: string };
  readonly route: string;
}

export interface DemoPlanOptions {
  readonly run: string;
  readonly seed: number;
  readonly slips: number;
  readonly overMs: number;
}

const routes = ['default', 'borealis', 'cumulus', 'dorado'] as const;
const currencies = ['EUR', 'USD', 'GBP', 'JPY', 'BHD'] as const;

/** A third of the feed is background traffic that the faults leave alone. */
export function planDemo({ run, seed, slips, overMs }: DemoPlanOptions): PlannedSlip[] {
  const random = seededRandom(seed);
  return Array.from({ length: slips }, (_, index) => {
    const kind = random.pick(['order', 'order', 'payment', 'payout'] as const);
    const isBackground = index % 3 === 0;
    return {
      atMs: Math.round((index / slips) * overMs),
      reference: `${isBackground ? 'background' : 'demo'}-${run}-${String(index + 1).padStart(4, '0')}`,
      kind,
      account: kind === 'payout' ? `merchant-${random.integer(1, 12)}` : `customer-${random.integer(1, 80)}`,
      counterparty: kind === 'payout' ? `bank-${random.integer(1, 5)}` : `shop-${random.integer(1, 9)}`,
      amount: { amount: String(random.integer(100, 250_000)), currency: random.pick(currencies) },
      route: routes[index % routes.length]!,
    };
  });
}

/** A rule for the provider simulator (`PUT /v1/rules`). */
export interface FaultRule {
  readonly fault: string;
  readonly provider?: string;
  readonly match?: { readonly reference: string };
  readonly rate?: number;
  readonly from?: string;
  readonly to?: string;
}

/** Slips of the feed whose provider says that it moved more than it was asked to: only people can clear that up. */
export const caseReferences = '^demo-.*-0(047|126)$';

/** The faults of the feed: everything the mission names that a provider or the network can do, and two outages. */
export function demoFaults(start: Date, outage: DemoOutage): FaultRule[] {
  const match = { reference: '^demo-' };
  const at = (ms: number) => new Date(start.getTime() + ms).toISOString();
  return [
    // First, for the first rule that fits decides: a newcomer sees a case that is open, whatever else happens.
    { fault: 'amount_changed', match: { reference: caseReferences } },
    { fault: 'refuse_connection', provider: 'dorado', from: at(5_000), to: at(11_000) },
    ...losesAnswers(outage),
    { fault: 'lost_callback', rate: 0.06, match },
    { fault: 'timeout_before_work', rate: 0.04, match },
    { fault: 'timeout_after_work', rate: 0.04, match },
    { fault: 'executes_late', rate: 0.02, match },
    { fault: 'error_500_before_work', rate: 0.02, match },
    { fault: 'error_500_after_work', rate: 0.02, match },
    { fault: 'reject', rate: 0.04, match },
    { fault: 'duplicate_callback', rate: 0.1, match },
    { fault: 'forged_callback', rate: 0.03, match },
    { fault: 'reordered_callback', rate: 0.03, match },
  ];
}

/** What is said twice changes nothing. */
const harmless = 'duplicate_callback';

function losesAnswers({ provider, from, until, calmMs }: DemoOutage): FaultRule[] {
  const between = (fromMs: number, toMs: number) => ({
    provider,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
  });
  return [
    { fault: harmless, ...between(from - calmMs, from) },
    { fault: 'lost_callback', ...between(from, until) },
    { fault: harmless, ...between(until, until + calmMs) },
  ];
}
