import { seededRandom } from '@slipstream/kernel';

/** A rule of the simulator (`PUT /v1/rules`). */
interface FaultRule {
  readonly fault: string;
  readonly provider?: string;
  readonly match?: { readonly account: string };
  readonly rate?: number;
  readonly from?: string;
  readonly to?: string;
  readonly delay_ms?: number;
}

export interface PlannedPayment {
  readonly reference: string;
  readonly kind: 'order' | 'payment' | 'payout';
  readonly account: string;
  readonly counterparty: string;
  readonly amount: { readonly amount: string; readonly currency: string };
  readonly route: string;
}

/** The provider that breaks its promise, and its route: the drill's rules declare none for it. */
export const lateProvider = 'dorado';
const executesTooLate = 'executes_too_late';

/** Of a thousand slips so many meet this fault, at least one; the rest is as usual. */
const perThousand: Readonly<Record<string, number>> = {
  // After these the money stays with the payer, or people have to look.
  refuse_connection: 7,
  timeout_before_work: 7,
  error_500_before_work: 7,
  throttle_429: 7,
  redirect: 7,
  reject: 10,
  zero_amount_failure: 10,
  amount_changed: 5,
  currency_changed: 5,
  // These are executed, and everything can be found out.
  timeout_after_work: 20,
  executes_late: 20,
  [executesTooLate]: 10,
  error_500_after_work: 20,
  garbage_body: 20,
  slow_drip: 15,
  lost_callback: 20,
  late_callback: 20,
  duplicate_callback: 20,
  forged_callback: 20,
  reordered_callback: 20,
  contradicting_callback: 20,
  not_found_early: 20,
  frozen_backlog: 20,
};
const usual = 'usual';

const lateMs = 6_000;
const lateCallbackMs = 3_000;
const slowInquiryMs = 1_200;

export interface PlanOptions {
  /** Tells the slips of one run from those of another. */
  readonly run: string;
  readonly seed: number;
  readonly slips: number;
  /** To providers of each protocol; a fault meets them in turn, and another one first for every other seed. */
  readonly routes: readonly [readonly string[], readonly string[]];
}

/** The same seed gives the same slips with the same faults in the same order, whatever their ids will be. */
export function planPayments({ run, seed, slips, routes }: PlanOptions): PlannedPayment[] {
  const random = seededRandom(seed);
  const faults = Object.entries(perThousand).flatMap(([fault, share], place) =>
    Array.from({ length: Math.max(1, Math.round((share * slips) / 1_000)) }, (_, nth) => ({
      fault,
      route: fault === executesTooLate ? lateProvider : random.pick(routes[(place + seed + nth) % 2]!),
    })),
  );
  if (faults.length > slips) throw new RangeError(`${slips} slips are too few for ${faults.length} faults`);
  const others = Array.from({ length: slips - faults.length }, () => ({
    fault: usual,
    route: random.pick(routes.flat()),
  }));
  return random.shuffle([...faults, ...others]).map(({ fault, route }, index) => ({
    reference: `drill-${run}-${seed}-${index + 1}-${fault}`,
    kind: random.pick(['order', 'order', 'payment', 'payout'] as const),
    account: `payer-${seed}-${index + 1}-${fault}`,
    counterparty: `shop-${random.integer(1, 9)}`,
    amount: {
      amount: String(random.integer(100, 250_000)),
      currency: random.pick(['EUR', 'USD', 'JPY', 'BHD']),
    },
    route,
  }));
}

export interface RuleOptions {
  readonly start: Date;
  /** A backlog that begins with the run is worked off this long after. */
  readonly frozenMs: number;
}

/** Every fault at once. Slips carry theirs in the payer's name, which providers of each protocol learn. */
export function faultRules({ start, frozenMs }: RuleOptions): FaultRule[] {
  const at = (ms: number) => new Date(start.getTime() + ms).toISOString();
  const more: Readonly<Record<string, Partial<FaultRule>>> = {
    frozen_backlog: { to: at(frozenMs) },
    late_callback: { delay_ms: lateCallbackMs },
    [executesTooLate]: { fault: 'executes_late', provider: lateProvider, delay_ms: lateMs },
  };
  return [
    { fault: 'refuse_connection', provider: 'borealis', from: at(1_000), to: at(3_000) },
    { fault: 'slow_inquiry', rate: 0.3, delay_ms: slowInquiryMs },
    // Nothing is cancelled there: `npm run drill -- promise` is about this one.
    { fault: 'ignores_cancellation' },
    ...Object.keys(perThousand).map((fault) => ({
      fault,
      match: { account: `^payer-.*-${fault}$` },
      ...more[fault],
    })),
  ];
}
