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
  const sums = new Sums(cohortOf(slip));
  sums.add(slip, 1);
  return sums.counted();
}

function cohortOf({ state, clock, partition, listedAt }: Slip): Cohort {
  return {
    ...{ clock, partition, hour: `${hourOf(state?.submittedAt ?? listedAt)}:00:00.000000Z` },
    provider: state?.provider ?? '',
    route: state?.route ?? '',
    kind: state?.kind ?? '',
    currency: state?.amount?.currency ?? '',
    cause: state?.cause?.code ?? '',
  };
}

const hourOf = (at: Instant): string => at.slice(0, 13);

/** How the figures move when slips change. */
export class FigureChanges {
  readonly #cohorts = new Map<string, Sums>();

  /** `before` null: the slip is new. */
  add(before: Slip | null, after: Slip): void {
    if (before === null) this.#sumsOf(after).add(after, 1);
    else if (countsTheSame(before, after)) return;
    else if (isOfSameCohort(before, after)) this.#sumsOf(after).change(before, after);
    else {
      this.#sumsOf(before).add(before, -1);
      this.#sumsOf(after).add(after, 1);
    }
  }

  /** Takes away what is counted already. */
  take(counted: Counted): void {
    const key = keyOf(counted);
    const sums = this.#cohorts.get(key) ?? new Sums(counted);
    this.#cohorts.set(key, sums);
    sums.take(counted);
  }

  /** Those that moved. */
  changed(): Counted[] {
    return Array.from(this.#cohorts.values(), (sums) => sums.counted()).filter((counted) =>
      names.some((name) => counted[name] !== 0n),
    );
  }

  #sumsOf(slip: Slip): Sums {
    const key = keyOfSlip(slip);
    const known = this.#cohorts.get(key);
    if (known !== undefined) return known;
    const sums = new Sums(cohortOf(slip));
    this.#cohorts.set(key, sums);
    return sums;
  }
}

/** Between the parts of a key: no text of the database has it. */
const apart = '\0';

/** Names a cohort. */
export function keyOf(cohort: Cohort): string {
  const { clock, hour, provider, route, kind, currency, cause, partition } = cohort;
  return [partition, hourOf(hour), clock, provider, route, kind, currency, cause].join(apart);
}

/** {@link keyOf} its cohort, without making one. Written out: it runs for every slip of every batch. */
function keyOfSlip({ state, clock, partition, listedAt }: Slip): string {
  const of = `${partition}${apart}${hourOf(state?.submittedAt ?? listedAt)}${apart}${clock}${apart}`;
  if (state === null) return of + apart.repeat(4);
  const { provider, route, kind, amount, cause } = state;
  const terms = `${provider ?? ''}${apart}${route ?? ''}${apart}${kind ?? ''}`;
  return `${of}${terms}${apart}${amount?.currency ?? ''}${apart}${cause?.code ?? ''}`;
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

type Sign = 1 | -1;

/** Figures on the move: slips are counted in plain numbers, which cost nothing; what may be of any size is not. */
class Sums {
  readonly #cohort: Cohort;
  #slips = 0;
  #dispatched = 0;
  #returned = 0;
  #overdue = 0;
  #notReturned = 0;
  #refunded = 0;
  #amount = 0n;
  #dispatchedMs = 0n;
  #returnedMs = 0n;

  constructor(cohort: Cohort) {
    this.#cohort = cohort;
  }

  add(slip: Slip, sign: Sign): void {
    this.#slips += sign;
    const { state } = slip;
    if (state === null) return;
    if (state.amount !== null) this.#amount += BigInt(sign) * state.amount.amount;
    this.#dispatch(slip, sign);
    this.#return(slip, sign);
    this.#late(slip, sign);
  }

  /** A slip that was counted here goes on being counted here, by the same amount. */
  change(before: Slip, after: Slip): void {
    const [was, state] = [before.state, after.state];
    if (was?.dispatchedAt !== state?.dispatchedAt) {
      this.#dispatch(before, -1);
      this.#dispatch(after, 1);
    }
    if (was?.returnedAt !== state?.returnedAt || was?.outcome !== state?.outcome) {
      this.#return(before, -1);
      this.#return(after, 1);
    }
    this.#late(before, -1);
    this.#late(after, 1);
  }

  take(counted: Figures): void {
    this.#slips -= Number(counted.slips);
    this.#dispatched -= Number(counted.dispatched);
    this.#returned -= Number(counted.returned);
    this.#overdue -= Number(counted.overdue);
    this.#notReturned -= Number(counted.notReturned);
    this.#refunded -= Number(counted.refunded);
    this.#amount -= counted.amount;
    this.#dispatchedMs -= counted.dispatchedMs;
    this.#returnedMs -= counted.returnedMs;
  }

  counted(): Counted {
    const { clock, hour, provider, route, kind, currency, cause, partition } = this.#cohort;
    return {
      ...{ clock, hour, provider, route, kind, currency, cause, partition },
      slips: BigInt(this.#slips),
      dispatched: BigInt(this.#dispatched),
      returned: BigInt(this.#returned),
      overdue: BigInt(this.#overdue),
      notReturned: BigInt(this.#notReturned),
      refunded: BigInt(this.#refunded),
      amount: this.#amount,
      dispatchedMs: this.#dispatchedMs,
      returnedMs: this.#returnedMs,
    };
  }

  #dispatch({ state, listedAt }: Slip, sign: Sign): void {
    if (state === null || state.dispatchedAt === null) return;
    this.#dispatched += sign;
    this.#dispatchedMs += BigInt(sign * passedMs(state.submittedAt ?? listedAt, state.dispatchedAt));
  }

  #return({ state, listedAt }: Slip, sign: Sign): void {
    if (state === null) return;
    if (state.outcome !== null) this.#returned += sign;
    if (state.returnedAt === null) return;
    this.#returnedMs += BigInt(sign * passedMs(state.submittedAt ?? listedAt, state.returnedAt));
  }

  #late({ state }: Slip, sign: Sign): void {
    if (state === null) return;
    if (state.overdue) this.#overdue += sign;
    if (state.overdue && state.outcome === null) this.#notReturned += sign;
    if (state.status === 'refunded') this.#refunded += sign;
  }
}

const passedMs = (from: Instant, until: Instant): number =>
  Math.round(instantToMs(until) - instantToMs(from));

/** Where both are known: what one of them does not know yet may put it elsewhere. */
function isOfSameCohort(before: Slip, after: Slip): boolean {
  const [was, state] = [before.state, after.state];
  if (was === null || state === null) return false;
  if (before.clock !== after.clock || before.listedAt !== after.listedAt) return false;
  return sameCohort(was, state);
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
