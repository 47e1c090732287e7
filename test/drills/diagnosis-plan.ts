import { seededRandom } from '@slipstream/kernel';
import { FAULTS } from '@slipstream/provider-simulator';
import type { Label } from './diagnosis-labels.ts';
import type { PlannedPayment } from './provider-faults.ts';

/** What callers, or who sets the way up, do wrong: it is settled before the slip is under way. */
const ofCallers = [
  'address_wrong',
  'secret_wrong',
  'account_frozen',
  'submitted_twice',
] as const satisfies readonly Label[];

/** Faults that single slips meet, each at every kind of provider that knows it. */
export const ofSlips = [...FAULTS, ...ofCallers] as const satisfies readonly Label[];

/** What happens to machines and lines while slips are under way; null: nothing. */
export const ofMachines = [
  'gateway_stopped',
  'ledger_stopped',
  'intake_stopped',
  'reconciliation_stopped',
  'broker_stopped',
  'database_stopped',
  'gateway_killed',
  'ledger_killed',
  'intake_killed',
  'reconciliation_killed',
  'gateway_without_database',
  'ledger_without_database',
  'gateway_without_a_right',
  'ledger_without_a_right',
  'providers_stopped',
  'providers_down',
  'line_cut',
  'line_reset',
] as const satisfies readonly Label[];

export type FaultOfSlip = (typeof ofSlips)[number];
export type FaultOfMachines = (typeof ofMachines)[number];

export interface PlannedSlip extends PlannedPayment {
  readonly fault: FaultOfSlip | 'usual';
  /** From the part's begin. */
  readonly atMs: number;
}

/** One part of the run: slips that come for a while, and what happens to the machines meanwhile. */
export interface Part {
  readonly fault: FaultOfMachines | null;
  /** From the part's begin. */
  readonly fromMs: number;
  readonly forMs: number;
  readonly slips: readonly PlannedSlip[];
}

export interface PlanOptions {
  /** Tells the slips of one run from those of another. */
  readonly run: string;
  readonly seed: number;
  /** Of each fault alone, and of each part in which something happens to the machines. */
  readonly slips: number;
  readonly parts: readonly FaultOfMachines[];
  readonly faults: readonly FaultOfSlip[];
  readonly deadlineMs: number;
}

/** Routes to providers that call back, and to one that answers at once. */
const routes = ['default', 'borealis', 'cumulus', 'dorado'] as const;
export const lineRoute = 'ember';
export const wrongRoute = 'nowhere';
export const refusedRoute = 'fjord';
/** So long slips come beside what happens to machines. */
const overMs = 4_000;
/** Of the first part: so that it is the faults that are seen, and not a crowd. */
const everyMs = 150;
const usualShare = 0.2;

/**
 * The same seed gives the same parts. First each fault of slips alone, among as many slips that meet none; then each of the machines' beside
 * twice as many slips of which most meet a second fault: of those
 * that have something to be explained about half then met two.
 */
export function planParts(options: PlanOptions): Part[] {
  const random = seededRandom(options.seed);
  const slipOf = (fault: FaultOfSlip | 'usual', part: string, n: number, overForMs: number): PlannedSlip => ({
    reference: `diagnosis-${options.run}-${options.seed}-${part}-${n}-${fault}`,
    kind: random.pick(['order', 'payment', 'payout'] as const),
    account: `payer-${options.run}-${options.seed}-${part}-${n}-${fault}`,
    counterparty: `shop-${random.integer(1, 9)}`,
    amount: { amount: String(random.integer(100, 250_000)), currency: random.pick(['EUR', 'USD', 'JPY']) },
    route: routeOf(fault, part) ?? random.pick(routes),
    fault,
    atMs: random.integer(0, overForMs),
  });
  const calmOverMs = 2 * options.faults.length * options.slips * everyMs;
  const calm = options.faults.flatMap((fault) =>
    Array.from({ length: options.slips }, (_, n) => slipOf(fault, 'calm', n, calmOverMs)),
  );
  const usual = calm.map((_, n) => slipOf('usual', 'calm', n, calmOverMs));
  const second = options.faults.filter((fault) => !ofCallers.some((one) => one === fault));
  const beside = random.shuffle(options.parts).map((fault): Part => {
    const forMs = options.deadlineMs + random.integer(2_000, 4_000);
    const slips = Array.from({ length: 2 * options.slips }, (_, n) =>
      slipOf(
        random.next() < usualShare || second.length === 0 ? 'usual' : random.pick(second),
        fault,
        n,
        overMs,
      ),
    );
    return { fault, fromMs: random.integer(500, 2_500), forMs, slips };
  });
  return [{ fault: null, fromMs: 0, forMs: 0, slips: random.shuffle([...calm, ...usual]) }, ...beside];
}

function routeOf(fault: FaultOfSlip | 'usual', part: string): string | null {
  if (fault === 'address_wrong') return wrongRoute;
  if (fault === 'secret_wrong') return refusedRoute;
  return part.startsWith('line_') ? lineRoute : null;
}
