import type { Micros, Money, Posting, Told, Transaction } from './events.ts';
import type { BookedTransaction, Facts, Finding } from './facts.ts';
import type { SlipFacts } from './slips.ts';

type Terms = NonNullable<SlipFacts['terms']>;
/** What a transaction changes, per account; credits count up. */
type Net = ReadonlyMap<string, bigint>;

/**
 * The slips whose money is not what rule 7 makes of their events, or not what SQL has. Said here once more, from the
 * events alone: hold what was submitted; settle after a success, with what the provider names if that is not more than
 * the hold and of its currency, in parts up to it; give back exactly the hold, and never after a settlement; claim a late
 * success, and what is denied after the settlement by a word that was not overtaken, until a statement or people say what
 * becomes of it, once; give back a part that a statement shows, and leave the rest settled; book what a provider charges beside any of these, to the house.
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

/** What the ledger has to say, and on whose success it rests. */
interface Duty {
  readonly type: LedgerWord;
  /** What it does to the money, where the word alone does not tell. */
  readonly does:
    | LedgerWord
    | 'part'
    | 'reversal'
    | 'money_back'
    | 'part_back'
    | 'given_back'
    | 'upheld'
    | 'written_off';
  /** Of the success that it answers, or that is denied: who executed how much. */
  readonly success: Success | null;
  /** What whom charges for it. */
  readonly fee?: { readonly provider: string; readonly money: Money };
}

interface Success {
  readonly provider: string;
  readonly amount: bigint;
}

type LedgerWord = 'funds_held' | 'settled' | 'refunded' | 'posting_compensated';
type Cue = Extract<
  Told,
  { type: 'submitted' | 'approved' | 'returned' | 'refund_requested' | 'suspense_decided' }
>;
type LedgerEvent = Extract<Told, { type: LedgerWord }>;

/**
 * The first breach of rule 7 by the slip's events; null: there is none. The ledger decides in the order of what it is
 * told, and its words come behind that in the log, perhaps far behind: each pays the oldest duty that is open.
 */
function broken({ terms, events, rejected }: SlipFacts): string | null {
  const duties: Duty[] = [];
  let course: Course = {
    status: 'none',
    succeeded: false,
    executed: null,
    references: [],
    back: [],
    returnedAt: null,
  };
  for (const { told, receivedTime } of events) {
    if (isCue(told)) {
      const { next, duty } = follow(course, told, terms, rejected);
      const firstAt = told.type === 'returned' ? receivedTime : null;
      course = { ...next, returnedAt: course.returnedAt ?? firstAt };
      if (duty !== null) duties.push({ ...duty, ...feeOf(told, terms) });
    } else if (isLedgerEvent(told)) {
      const duty = duties.shift();
      if (terms === null || duty === undefined) return `${told.type}, and nothing asked for it`;
      if (duty.type !== told.type) return `${told.type} instead of ${duty.type}`;
      const why = postingProblem(duty, told.transaction, terms) ?? feeProblem(duty, told.fee ?? null);
      if (why !== null) return why;
    }
  }
  return duties[0] === undefined ? null : `${duties[0].type} is missing`;
}

function feeOf(told: Cue, terms: Terms | null): Pick<Duty, 'fee'> {
  if (told.type !== 'returned' || terms === null || terms.amount === null) return {};
  const money = told.fee ?? null;
  if (money === null || money.amount <= 0n) return {};
  return { fee: { provider: told.provider ?? terms.provider ?? 'reported', money } };
}

function feeProblem({ type, fee }: Duty, transaction: Transaction | null): string | null {
  const expected = new Map<string, bigint>();
  if (fee !== undefined) {
    expected.set('house:own:costs', -fee.money.amount);
    expected.set(`provider:${fee.provider}:fees`, fee.money.amount);
  }
  const postings = transaction?.postings ?? [];
  const isOther = postings.some(({ amount }) => amount.currency !== fee?.money.currency);
  return isOther || !sameNet(netOf(postings), expected) ? `${type} books another fee than was charged` : null;
}

function isCue(told: Told): told is Cue {
  return ['submitted', 'approved', 'returned', 'refund_requested', 'suspense_decided'].includes(told.type);
}

function isLedgerEvent(told: Told): told is LedgerEvent {
  return ['funds_held', 'settled', 'refunded', 'posting_compensated'].includes(told.type);
}

/** How far the ledger has come with a slip's money when it has heard everything up to some event. */
interface Course {
  readonly status:
    | 'none'
    | 'held'
    | 'settled'
    | 'refunded'
    | 'compensated'
    | 'reversed'
    | 'restored'
    | 'upheld'
    | 'written_off';
  /** A success was told, if only one that settles nothing. */
  readonly succeeded: boolean;
  /** What was settled or claimed. */
  readonly executed: Success | null;
  /** The provider's references of the parts, as long as there may be more. */
  readonly references: readonly string[];
  /** Parts that came back, each by day and amount. */
  readonly back: readonly string[];
  /** When the first answer was here. */
  readonly returnedAt: Micros | null;
}

function follow(
  course: Course,
  told: Cue,
  terms: Terms | null,
  rejected: boolean,
): { readonly next: Course; readonly duty: Duty | null } {
  const { status, succeeded } = course;
  const nothing = { next: course, duty: null };
  const move = (to: Course['status'], type: LedgerWord, does: Duty['does'] = type) => ({
    next: { ...course, status: to },
    duty: { type, does, success: course.executed },
  });
  if (told.type === 'submitted' || told.type === 'approved') {
    // What is to be reviewed is held by its approval, and nothing else is.
    const isDue = terms !== null && terms.reviewed === (told.type === 'approved');
    return status !== 'none' || rejected || !isDue ? nothing : move('held', 'funds_held');
  }
  if (told.type === 'suspense_decided') {
    // The first entry holds, and a later one puts aside what was denied: what they did not mean stays where it is.
    if (told.entry !== 0 && (told.entry === 1) !== (status === 'held')) return nothing;
    // Only what the payer has is a loss.
    if (told.decision === 'write_off') {
      const isOwed = status === 'restored' || status === 'compensated';
      return isOwed ? move('written_off', 'posting_compensated', 'written_off') : nothing;
    }
    const upheld = told.decision === 'uphold';
    // A success that could not be settled counts for all that is held, or for nothing.
    if (status === 'held' && succeeded && terms !== null) {
      if (!upheld) return move('refunded', 'refunded');
      const success = { provider: told.provider, amount: terms.amount?.amount ?? 0n };
      const next: Course = { ...course, status: 'settled', executed: success, references: [] };
      return { next, duty: { type: 'settled', does: 'settled', success } };
    }
    if (status !== 'reversed') return nothing;
    const [to, does] = upheld ? (['upheld', 'upheld'] as const) : (['restored', 'given_back'] as const);
    return move(to, 'posting_compensated', does);
  }
  const isDenial = told.type === 'returned' && told.outcome !== 'succeeded' && told.outcome !== 'unknown';
  if (isDenial && (status === 'settled' || status === 'reversed' || status === 'upheld')) {
    if (isOther(course, told) || isOfOtherPart(course, told)) return nothing;
    if (told.byStatement && course.back.includes(partOf(told))) return nothing;
    if (told.byStatement && isOfOtherAmount(course, told, terms)) return partBack(course, told, terms);
    if (!told.byStatement && (status !== 'settled' || wasOvertaken(course, told))) return nothing;
    if (!told.byStatement) return move('reversed', 'posting_compensated', 'reversal');
    const does = status === 'reversed' ? 'given_back' : 'money_back';
    return move('restored', 'posting_compensated', does);
  }
  if (told.type === 'refund_requested' || isDenial) {
    // What comes behind a success that could not be settled is for people.
    return status === 'held' && !succeeded ? move('refunded', 'refunded') : nothing;
  }
  if (told.outcome === 'unknown' || terms === null) return nothing;
  const amount = executed(terms.amount, told.amount);
  // Another currency or more than was held: that settles nothing, people look at it (rule 2).
  if (amount === null) return { next: { ...course, succeeded: true }, duty: null };
  const success = { provider: told.provider ?? terms.provider ?? 'reported', amount };
  const isMore = isFurtherPart(course, told, amount, terms);
  const isPart = status === 'settled' && isMore;
  const isClaimed = status === 'refunded' || (status === 'compensated' && isMore);
  const type = isClaimed ? 'posting_compensated' : 'settled';
  if (status !== 'held' && !isClaimed && !isPart) return nothing;
  const sum = amount + (course.executed?.amount ?? 0n);
  const isAll = told.reference === null || sum === terms.amount?.amount;
  return {
    next: {
      ...course,
      status: type === 'settled' ? 'settled' : 'compensated',
      succeeded: true,
      executed: { ...success, amount: sum },
      references: isAll ? [] : [...course.references, told.reference!],
    },
    duty: { type, does: isPart ? 'part' : type, success },
  };
}

type Returned = Extract<Told, { type: 'returned' }>;

/** Less than was executed came back, on a day that tells it from another part: the rest stays settled. Anything else is for people. */
function partBack(course: Course, told: Returned, terms: Terms | null): ReturnType<typeof follow> {
  const { status, executed, back } = course;
  const { amount, bookedOn = null } = told;
  const nothing = { next: course, duty: null };
  if (status === 'reversed' || executed === null || amount === null || bookedOn === null) return nothing;
  if (amount.currency !== terms?.amount?.currency) return nothing;
  if (amount.amount <= 0n || amount.amount >= executed.amount) return nothing;
  const left = { ...executed, amount: executed.amount - amount.amount };
  return {
    next: { ...course, executed: left, references: [], back: [...back, partOf(told)] },
    duty: {
      ...{ type: 'posting_compensated', does: 'part_back' },
      success: { provider: told.provider ?? terms.provider ?? 'reported', amount: amount.amount },
    },
  };
}

const partOf = ({ amount, bookedOn = null, occurrence = 1 }: Returned) =>
  `${bookedOn} ${amount?.amount} ${occurrence}`;

/** Of another provider than the one that executed it. */
function isOther({ executed }: Course, { provider }: Returned): boolean {
  const first = executed?.provider ?? 'reported';
  return provider !== null && first !== 'reported' && provider !== first;
}

/** Said under a reference that none of the executed parts has. */
function isOfOtherPart({ references }: Course, { reference }: Returned): boolean {
  return reference !== null && references.length > 0 && !references.includes(reference);
}

/** A statement shows other money than was executed. */
function isOfOtherAmount({ executed }: Course, { amount }: Returned, terms: Terms | null): boolean {
  if (amount === null || terms === null || terms.amount === null) return false;
  return amount.currency !== terms.amount.currency || amount.amount !== executed?.amount;
}

/** The provider said it before its success was here: what came later was older. */
function wasOvertaken({ returnedAt }: Course, { providerTime = null }: Returned): boolean {
  return providerTime !== null && returnedAt !== null && providerTime < returnedAt;
}

/** More money under another reference of the same provider, within what was held. */
function isFurtherPart(course: Course, told: Returned, more: bigint, { amount }: Terms): boolean {
  const { references, executed } = course;
  if (amount === null || told.reference === null || references.length === 0 || more === 0n) return false;
  if (references.includes(told.reference) || isOther(course, told)) return false;
  return more + (executed?.amount ?? 0n) <= amount.amount;
}

/** What an answer says was moved; null when it is not the slip's money. Without an amount nothing is posted: 0. */
function executed(held: Money | null, named: Money | null): bigint | null {
  if (held === null) return 0n;
  if (named === null) return held.amount;
  if (named.currency !== held.currency || named.amount < 0n || named.amount > held.amount) return null;
  return named.amount;
}

function postingProblem(duty: Duty, transaction: Transaction | null, terms: Terms): string | null {
  const { type } = duty;
  const expected = expectedNet(duty, terms);
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

function expectedNet({ does, success }: Duty, terms: Terms): Net {
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
  switch (does) {
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
    case 'part':
      add(available, -moved);
      add(destination, moved);
      break;
    case 'reversal':
      add(`provider:${provider}:receivable`, -moved);
      add(`payer:${account}:suspense`, moved);
      break;
    case 'money_back':
    case 'part_back':
      add(`provider:${provider}:receivable`, -moved);
      add(available, moved);
      break;
    case 'given_back':
      add(`payer:${account}:suspense`, -moved);
      add(available, moved);
      break;
    case 'written_off':
      add('house:own:losses', -moved);
      add(`provider:${provider}:receivable`, moved);
      break;
    case 'upheld':
      add(`payer:${account}:suspense`, -moved);
      add(`provider:${provider}:receivable`, moved);
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
    if (!('transaction' in told)) continue;
    for (const one of [told.transaction, told.fee ?? null])
      if (one !== null) carried.set(one.id, shown(one, clock));
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
