import { seededRandom } from '@slipstream/kernel';

/** A rule of the simulator (`PUT /v1/rules`). */
interface FaultRule {
  readonly fault: string;
  readonly provider?: string;
  readonly match?: { readonly reference: string };
  readonly rate?: number;
  readonly from?: string;
  readonly to?: string;
  readonly delay_ms?: number;
}

/** A provider as the simulator shows it. */
export interface SimulatedProvider {
  readonly id: string;
  readonly mode: string;
}

export interface PlannedPayment {
  readonly reference: string;
  readonly kind: 'order' | 'payment' | 'payout';
  readonly account: string;
  readonly counterparty: string;
  readonly amount: { readonly amount: string; readonly currency: string };
  readonly route: string;
}

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

/** The provider that breaks its promise: the drill's rules declare none for it. */
export const lateProvider = 'dorado';
const lateMs = 6_000;
const lateCallbackMs = 3_000;
const slowInquiryMs = 1_200;

export interface PlanOptions {
  /** Tells the slips of one run from those of another. */
  readonly run: string;
  readonly seed: number;
  readonly slips: number;
  readonly routes: readonly string[];
  /** Faults that no slip is to meet. */
  readonly without?: readonly string[];
}

/** The same seed gives the same slips with the same faults in the same order, whatever their ids will be. */
export function planPayments({ run, seed, slips, routes, without = [] }: PlanOptions): PlannedPayment[] {
  const random = seededRandom(seed);
  const faults = Object.entries(perThousand).flatMap(([fault, share]) =>
    without.includes(fault)
      ? []
      : Array<string>(Math.max(1, Math.round((share * slips) / 1_000))).fill(fault),
  );
  if (faults.length > slips) throw new RangeError(`${slips} slips are too few for ${faults.length} faults`);
  const all = random.shuffle([...faults, ...Array<string>(slips - faults.length).fill(usual)]);
  return all.map((fault, index) => ({
    reference: `drill-${run}-${seed}-${index + 1}-${fault}`,
    kind: random.pick(['order', 'order', 'payment', 'payout'] as const),
    account: `payer-${seed}-${index + 1}`,
    counterparty: `shop-${random.integer(1, 9)}`,
    amount: {
      amount: String(random.integer(100, 250_000)),
      currency: random.pick(['EUR', 'USD', 'JPY', 'BHD']),
    },
    route: routes[index % routes.length]!,
  }));
}

export interface RuleOptions {
  readonly start: Date;
  /** A backlog that begins with the run is worked off this long after. */
  readonly frozenMs: number;
  readonly providers: readonly SimulatedProvider[];
}

/**
 * Every fault at once. Slips carry theirs in the reference; a polled provider never learns the reference, and meets the
 * faults by chance.
 */
export function faultRules({ start, frozenMs, providers }: RuleOptions): FaultRule[] {
  const at = (ms: number) => new Date(start.getTime() + ms).toISOString();
  const match = (fault: string) => ({ reference: `^drill-.*-${fault}$` });
  const more: Readonly<Record<string, Partial<FaultRule>>> = {
    frozen_backlog: { to: at(frozenMs) },
    late_callback: { delay_ms: lateCallbackMs },
  };
  const faults = Object.keys(perThousand);
  return [
    { fault: 'refuse_connection', provider: 'borealis', from: at(1_000), to: at(3_000) },
    { fault: 'slow_inquiry', rate: 0.3, delay_ms: slowInquiryMs },
    { fault: 'executes_late', provider: lateProvider, match: match('executes_late'), delay_ms: lateMs },
    ...faults.map((fault) => ({ fault, match: match(fault), ...more[fault] })),
    ...providers
      .filter(({ mode }) => mode === 'polled')
      .flatMap(({ id }) =>
        faults.map((fault) => ({ fault, provider: id, rate: perThousand[fault]! / 1_000, ...more[fault] })),
      ),
  ];
}

/** Every fault that the rules bring about. */
export const plannedFaults: readonly string[] = [...Object.keys(perThousand), 'slow_inquiry'];
