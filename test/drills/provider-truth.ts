import { check, type Facts, type Finding, isSound, type Summary } from '@slipstream/checker';
import { must } from '@slipstream/kernel';
import { hasEnded, type ShownSlip } from '@slipstream/local';
import type { PlannedPayment } from './provider-faults.ts';

/** A payment that intake took. */
export interface TakenPayment extends PlannedPayment {
  readonly id: string;
}

/** How the slips of one seed fared, by the providers' truth and the books. */
export interface Judged {
  readonly slips: number;
  readonly settled: number;
  readonly refunded: number;
  readonly open_cases: number;
  /** Taken by intake, and unknown to the ledger. */
  readonly lost: number;
  /** Neither at an end nor with an open case. */
  readonly unended: number;
  /** Executed more than once by one provider. */
  readonly executed_twice: number;
  readonly executed_by_two: number;
  /** What left the payer is not what the providers moved, and no case is open about it. */
  readonly money_differs: number;
  readonly holds: boolean;
}

/** @param settledShareMin of all slips, 0..1 */
export function judge(
  taken: readonly TakenPayment[],
  shown: readonly ShownSlip[],
  facts: Pick<Facts, 'truth' | 'transactions'>,
  settledShareMin: number,
): Judged {
  const slips = new Map(shown.map((slip) => [slip.id, slip]));
  const truth = Map.groupBy(must(facts.truth, 'the truth of the simulator'), ({ slip_id }) => slip_id);
  const booked = Map.groupBy(facts.transactions, ({ slipId }) => slipId);
  const executions = ({ id }: TakenPayment) => (truth.get(id) ?? []).map((row) => row.executions);
  const count = (matches: (payment: TakenPayment, slip: ShownSlip | undefined) => boolean) =>
    taken.filter((payment) => matches(payment, slips.get(payment.id))).length;
  const hasCase = (slip: ShownSlip | undefined) => slip?.case?.status === 'open';
  const faults = {
    lost: count((_, slip) => slip === undefined),
    unended: count((_, slip) => slip !== undefined && !hasEnded(slip)),
    executed_twice: count((payment) => executions(payment).some((times) => times > 1)),
    executed_by_two: count((payment) => executions(payment).filter((times) => times > 0).length > 1),
    money_differs: count((payment, slip) => {
      const moved = BigInt(payment.amount.amount) * BigInt(executions(payment).reduce((a, b) => a + b, 0));
      return !hasCase(slip) && leftPayer(payment, booked.get(payment.id) ?? []) !== moved;
    }),
  };
  const settled = count((_, slip) => slip?.status === 'settled');
  return {
    slips: taken.length,
    settled,
    refunded: count((_, slip) => slip?.status === 'refunded'),
    open_cases: count((_, slip) => hasCase(slip)),
    ...faults,
    holds: Object.values(faults).every((found) => found === 0) && settled >= settledShareMin * taken.length,
  };
}

/** Who was not settled, the most frequent first: of how many slips of a route, with which fault, and what they are. */
export function unsettled(taken: readonly TakenPayment[], shown: readonly ShownSlip[]): readonly string[] {
  const slips = new Map(shown.map((slip) => [slip.id, slip]));
  const kinds = Map.groupBy(
    taken.filter(({ id }) => slips.get(id)?.status !== 'settled'),
    ({ id, reference, route }) => {
      const fault = reference.split('-').at(-1)!;
      const { status = 'lost', case: about = null } = slips.get(id) ?? {};
      return `${route} ${fault}: ${status}${about?.status === 'open' ? ', a case' : ''}`;
    },
  );
  return [...kinds]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([kind, { length }]) => `${length} ${kind}`);
}

/** What the books took from the payer for good; a hold moves his money between his own accounts. */
function leftPayer(payment: TakenPayment, transactions: Facts['transactions']): bigint {
  const own = `payer:${payment.account}:`;
  let left = 0n;
  for (const { postings } of transactions) {
    for (const { account, direction, amount } of postings) {
      if (!account.startsWith(own)) continue;
      left += direction === 'debit' ? amount.amount : -amount.amount;
    }
  }
  return left;
}

/** What the independent checker says of the whole stack; what it found at the boundary is no error. */
export function checked(facts: Facts): {
  readonly summary: Summary;
  readonly sound: boolean;
  readonly told: readonly Finding[];
} {
  const { summary, due, findings } = check(facts);
  return {
    summary,
    sound: isSound(summary) && due,
    told: findings.filter(({ kind }) => kind !== 'boundary'),
  };
}
