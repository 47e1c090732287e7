import type { Money, Posting, Transaction, WireEvent } from './events.ts';
import type { BookedTransaction, Facts, Finding } from './facts.ts';
import type { SlipFacts } from './slips.ts';

type Terms = NonNullable<SlipFacts['terms']>;
/** What a transaction changes, per account; credits count up. */
type Net = ReadonlyMap<string, bigint>;

/**
 * The slips whose money is not what rule 7 makes of their events, or not what SQL has. Said here once more, from the
 * events alone: hold what was submitted; settle after a success, with what the provider names if that is not more than
 * the hold and of its currency; give back exactly the hold, and never after a settlement; claim a late success.
 */
export function moneyFindings(slips: Iterable<SlipFacts>, transactions: Facts['transactions']): Finding[] {
  const findings: Finding[] = [];
  const booked = Map.groupBy(transactions, ({ slipId }) => slipId);
  for (const slip of slips) {
    const why = broken(slip) ?? differing(slip, booked.get(slip.slipId) ?? []);
    booked.delete(slip.slipId);
    if (why !== null) findings.push({ kind: 'money_differs', about: slip.slipId, why });
  }
  for (const about of booked.keys()) {
    findings.push({
      kind: 'money_differs',
      about,
      why: 'SQL has transactions of a slip that no event tells of',
    });
  }
  return findings;
}

/** How far the money of one slip has come, and what the next event of the ledger must therefore be. */
interface Course {
  readonly status: 'none' | 'held' | 'settled' | 'refunded' | 'compensated';
  /** An event that the ledger must still answer; null: nothing. */
  readonly due: 'settled' | 'refunded' | 'posting_compensated' | null;
  /** Of the last success: who executed how much. */
  readonly success: { readonly provider: string; readonly amount: bigint } | null;
  readonly mayRefund: boolean;
}

/** The first breach of rule 7 by the slip's events; null: there is none. */
function broken({ terms, events }: SlipFacts): string | null {
  let at: Course = { status: 'none', due: null, success: null, mayRefund: false };
  for (const { told } of events) {
    switch (told.type) {
      case 'funds_held':
      case 'settled':
      case 'refunded':
      case 'posting_compensated': {
        if (terms === null) return `${told.type} without a submission`;
        const why = allowed(told.type, at) ?? postingProblem(told.type, told.transaction, terms, at);
        if (why !== null) return why;
        at = { ...at, status: statusAfter[told.type], due: null };
        break;
      }
      case 'refund_requested':
        if (at.status === 'held') at = { ...at, mayRefund: true, due: at.due ?? 'refunded' };
        break;
      case 'returned':
        at = afterReturn(at, told, terms);
        break;
      default:
    }
  }
  return at.due === null ? null : `${at.due} is missing`;
}

const statusAfter = {
  funds_held: 'held',
  settled: 'settled',
  refunded: 'refunded',
  posting_compensated: 'compensated',
} as const;

function afterReturn(
  at: Course,
  returned: Extract<WireEvent['told'], { type: 'returned' }>,
  terms: Terms | null,
): Course {
  if (terms === null || at.status === 'none') return at;
  if (returned.outcome === 'unknown') return at;
  if (returned.outcome !== 'succeeded') {
    return at.status === 'held' && at.due === null ? { ...at, mayRefund: true, due: 'refunded' } : at;
  }
  const amount = executed(terms.amount, returned.amount);
  // Another currency or more than was held: that settles nothing, people look at it (rule 2).
  if (amount === null) return at;
  const provider = returned.provider ?? terms.provider ?? 'reported';
  const success = at.success ?? { provider, amount };
  if (at.status === 'held') return { ...at, success, due: at.due ?? 'settled' };
  return at.status === 'refunded' ? { ...at, success, due: 'posting_compensated' } : at;
}

/** What an answer says was moved; null when it is not the slip's money. Without an amount nothing is posted: 0. */
function executed(held: Money | null, named: Money | null): bigint | null {
  if (held === null) return 0n;
  if (named === null) return held.amount;
  if (named.currency !== held.currency || named.amount < 0n || named.amount > held.amount) return null;
  return named.amount;
}

function allowed(type: keyof typeof statusAfter, { status, success, mayRefund }: Course): string | null {
  switch (type) {
    case 'funds_held':
      return status === 'none' ? null : 'held twice';
    case 'settled':
      if (status !== 'held') return `settled when it was ${status}`;
      return success === null ? 'settled without a success of its currency and at most its amount' : null;
    case 'refunded':
      if (status !== 'held') return `refunded when it was ${status}`;
      return mayRefund ? null : 'refunded without a failure or a request';
    case 'posting_compensated':
      if (status !== 'refunded') return `compensated when it was ${status}`;
      return success === null ? 'compensated without a success' : null;
  }
}

function postingProblem(
  type: keyof typeof statusAfter,
  transaction: Transaction | null,
  terms: Terms,
  at: Course,
): string | null {
  const expected = expectedNet(type, terms, at);
  const net = netOf(transaction?.postings ?? []);
  const currencies = new Set((transaction?.postings ?? []).map(({ amount }) => amount.currency));
  if (currencies.size > 1 || (currencies.size === 1 && !currencies.has(terms.amount?.currency ?? ''))) {
    return `${type} posts in ${[...currencies].join(', ')}`;
  }
  if (sameNet(net, expected)) return null;
  const show = (of: Net) =>
    [...of].map(([account, change]) => `${account} ${change}`).join(', ') || 'nothing';
  return `${type} posts ${show(net)} instead of ${show(expected)}`;
}

function expectedNet(type: keyof typeof statusAfter, terms: Terms, { success }: Course): Net {
  const { account, amount } = terms;
  if (amount === null) return new Map();
  const available = `payer:${account}:available`;
  const held = `payer:${account}:held`;
  const moved = success?.amount ?? 0n;
  const provider = success?.provider ?? '';
  const destination =
    terms.kind === 'payment' ? `payer:${terms.counterparty}:available` : `provider:${provider}:settlement`;
  const net = new Map<string, bigint>();
  const add = (name: string, change: bigint) => net.set(name, (net.get(name) ?? 0n) + change);
  switch (type) {
    case 'funds_held':
      add(available, -amount.amount);
      add(held, amount.amount);
      break;
    case 'settled':
      add(held, -amount.amount);
      add(destination, moved);
      add(available, amount.amount - moved);
      break;
    case 'refunded':
      add(held, -amount.amount);
      add(available, amount.amount);
      break;
    case 'posting_compensated':
      add(`provider:${provider}:receivable`, -moved);
      add(destination, moved);
      break;
  }
  return net;
}

function netOf(postings: readonly Posting[]): Net {
  const net = new Map<string, bigint>();
  for (const { account, direction, amount } of postings) {
    const change = direction === 'credit' ? amount.amount : -amount.amount;
    net.set(account, (net.get(account) ?? 0n) + change);
  }
  return net;
}

function sameNet(a: Net, b: Net): boolean {
  return [...new Set([...a.keys(), ...b.keys()])].every((key) => (a.get(key) ?? 0n) === (b.get(key) ?? 0n));
}

/** What SQL has of a slip must be what its events carry: no transaction more, none less, the same postings. */
function differing({ events, clock }: SlipFacts, booked: readonly BookedTransaction[]): string | null {
  const carried = new Map<string, string>();
  for (const { told } of events) {
    if ('transaction' in told && told.transaction)
      carried.set(told.transaction.id, shown(told.transaction, clock));
  }
  for (const one of booked) {
    const wanted = carried.get(one.id);
    if (wanted === undefined) return `SQL has the transaction ${one.id}, and no event carries it`;
    if (wanted !== shown(one, one.clock)) return `SQL has another transaction ${one.id} than its event`;
    carried.delete(one.id);
  }
  for (const id of carried.keys()) return `SQL has no transaction ${id}, and an event carries it`;
  return null;
}

function shown({ type, postings }: Transaction, clock: string): string {
  const lines = postings.map(
    ({ account, direction, amount }) => `${account} ${direction} ${amount.amount} ${amount.currency}`,
  );
  return [clock, type, ...lines.sort()].join('\n');
}
