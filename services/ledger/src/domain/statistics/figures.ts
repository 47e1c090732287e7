import { type Instant, instantToMs } from '@slipstream/kernel';
import type { SlipState } from '@slipstream/slip';
import type { FollowedSlip } from '../log/follow.ts';

/** Slips that are counted together: those that were submitted in an hour, and are alike. '': not known. */
export interface Cohort {
  readonly clock: string;
  /** Its beginning. Of a slip that was never submitted, the hour in which it came. */
  readonly hour: Instant;
  readonly provider: string;
  readonly route: string;
  readonly kind: string;
  readonly currency: string;
  readonly cause: string;
  readonly partition: number;
}

/** What is told about a cohort: numbers of slips, sums of their amounts and of the times that passed after submission. */
export interface Figures {
  readonly slips: bigint;
  readonly dispatched: bigint;
  readonly returned: bigint;
  readonly overdue: bigint;
  readonly notReturned: bigint;
  readonly refunded: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly dispatchedMs: bigint;
  readonly returnedMs: bigint;
}

export type Counted = Cohort & Figures;

type Slip = Pick<FollowedSlip, 'state' | 'clock' | 'listedAt' | 'partition'>;

/** What one slip adds to its cohort. */
export function countedAs(slip: Slip): Counted {
  const { state, clock, partition, listedAt } = slip;
  const submittedAt = state?.submittedAt ?? listedAt;
  const is = (fact: boolean): bigint => (fact ? 1n : 0n);
  return {
    ...{ clock, partition, hour: `${submittedAt.slice(0, 13)}:00:00.000000Z` },
    provider: state?.provider ?? '',
    route: state?.route ?? '',
    kind: state?.kind ?? '',
    currency: state?.amount?.currency ?? '',
    cause: state?.cause?.code ?? '',
    slips: 1n,
    dispatched: is((state?.dispatchedAt ?? null) !== null),
    returned: is((state?.outcome ?? null) !== null),
    overdue: is(state?.overdue === true),
    notReturned: is(state?.overdue === true && state.outcome === null),
    refunded: is(state?.status === 'refunded'),
    amount: state?.amount?.amount ?? 0n,
    dispatchedMs: passed(submittedAt, state?.dispatchedAt),
    returnedMs: passed(submittedAt, state?.returnedAt),
  };
}

function passed(from: Instant, until: Instant | null | undefined): bigint {
  return until ? BigInt(Math.round(instantToMs(until) - instantToMs(from))) : 0n;
}

/** How the figures move when slips change. */
export class FigureChanges {
  readonly #cohorts = new Map<string, Counted>();

  /** `before` null: the slip is new. */
  add(before: Slip | null, after: Slip): void {
    if (before !== null && countsTheSame(before, after)) return;
    if (before !== null) this.#move(countedAs(before), -1n);
    this.#move(countedAs(after), 1n);
  }

  /** Takes away what is counted already. */
  take(counted: Counted): void {
    this.#move(counted, -1n);
  }

  /** Those that moved. */
  changed(): Counted[] {
    return [...this.#cohorts.values()].filter((counted) => names.some((name) => counted[name] !== 0n));
  }

  #move(counted: Counted, sign: bigint): void {
    const key = keyOf(counted);
    const sum = this.#cohorts.get(key);
    this.#cohorts.set(key, plus(counted, sign, sum));
  }
}

/** Names a cohort. */
export function keyOf(cohort: Cohort): string {
  const { clock, hour, provider, route, kind, currency, cause, partition } = cohort;
  return JSON.stringify([clock, hour, provider, route, kind, currency, cause, partition]);
}

const names = [
  'slips',
  'dispatched',
  'returned',
  'overdue',
  'notReturned',
  'refunded',
  'amount',
  'dispatchedMs',
  'returnedMs',
] as const satisfies readonly (keyof Figures)[];

function plus(counted: Counted, sign: bigint, sum: Counted | undefined): Counted {
  const moved: Record<string, unknown> = { ...counted };
  for (const name of names) moved[name] = (sum?.[name] ?? 0n) + sign * counted[name];
  return moved as unknown as Counted;
}

/** Written out: it runs for every slip of every batch. */
function countsTheSame(before: Slip, after: Slip): boolean {
  if (before.clock !== after.clock || before.listedAt !== after.listedAt) return false;
  const [was, state] = [before.state, after.state];
  if (was === null || state === null) return was === state;
  return sameCohort(was, state) && sameEvents(was, state);
}

function sameCohort(was: SlipState, state: SlipState): boolean {
  if (was.submittedAt !== state.submittedAt || was.provider !== state.provider) return false;
  if (was.route !== state.route || was.kind !== state.kind) return false;
  return was.amount === state.amount && was.cause?.code === state.cause?.code;
}

function sameEvents(was: SlipState, state: SlipState): boolean {
  if (was.dispatchedAt !== state.dispatchedAt || was.returnedAt !== state.returnedAt) return false;
  if (was.outcome !== state.outcome || was.overdue !== state.overdue) return false;
  return (was.status === 'refunded') === (state.status === 'refunded');
}
