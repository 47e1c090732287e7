import { unreachable } from '@slipstream/kernel';
import type { SlipKind } from '@slipstream/slip';
import type { Repeat } from '../review/review.ts';
import type { GateRule, Refusal } from './refusal.ts';
import type { Business } from './submission.ts';

/** What an account may move within a window of time; several may be about one slip. */
export interface AccountLimit {
  readonly name: string;
  readonly kinds: readonly SlipKind[];
  /** null: all. */
  readonly routes: readonly string[] | null;
  readonly windowMs: number;
  /** Slips; null: any number. */
  readonly countMax: number | null;
  /** In minor units by currency; of one that is not named any amount. */
  readonly amountMax: ReadonlyMap<string, bigint>;
}

/** Rules whose outcome depends on other slips and on what people said about accounts: the store judges by them. */
export interface GateRules {
  /** False: an account that nobody has opened takes part in nothing. */
  readonly openOnFirstUse: boolean;
  /** How long the same business under another reference is taken for a repeat; 0: never. */
  readonly duplicateWindowMs: number;
  /** How long people have to look at such a repeat; null: it is refused. */
  readonly duplicateReviewMs: number | null;
  readonly limits: readonly AccountLimit[];
}

/** One slip at the gates. */
export interface Gate {
  readonly account: string;
  readonly counterparty: string;
  readonly knownOnly: boolean;
  /** null: no window is about it. */
  readonly windows: Windows | null;
}

export interface Windows {
  /** What makes another slip of the account the same business; null: nothing does. */
  readonly business: string | null;
  /** 0: whether it is a repeat is not asked, or was decided by people. */
  readonly duplicateMs: number;
  /** It went through before: what it added then, it adds now. */
  readonly again: boolean;
  readonly limits: readonly WindowLimit[];
}

/** `adds` together with what other slips within the window have added must not go above `most`. */
export interface WindowLimit {
  readonly key: string;
  readonly windowMs: number;
  readonly most: bigint;
  readonly adds: bigint;
}

export function gateOf(slip: Business, rules: GateRules): Gate {
  const { account, counterparty, kind, amount } = slip;
  const limits = rules.limits.filter((limit) => isAbout(limit, slip)).flatMap((one) => windowsOf(one, slip));
  const isWatched = rules.duplicateWindowMs > 0;
  // None of these has a line break in it.
  const business = isWatched
    ? [kind, counterparty, amount?.amount ?? '', amount?.currency ?? ''].join('\n')
    : null;
  const { duplicateWindowMs: duplicateMs } = rules;
  const windows = isWatched || limits.length > 0 ? { business, duplicateMs, again: false, limits } : null;
  return { account, counterparty, knownOnly: !rules.openOnFirstUse, windows };
}

/** The gate as it is for a slip that people know for a repeat. */
export function passingRepeats(gate: Gate): Gate {
  return gate.windows === null ? gate : { ...gate, windows: { ...gate.windows, duplicateMs: 0 } };
}

/** The gate as it is for a slip that went through it when it was submitted, and that people approve now. */
export function onceMore(gate: Gate): Gate {
  return gate.windows === null ? gate : { ...gate, windows: { ...gate.windows, again: true } };
}

/** How people are to look at a slip that was stopped; null: they are not, it is refused. */
export function repeatOf(
  { rule, firstSlipId = null }: Refusal,
  { duplicateReviewMs }: GateRules,
): Repeat | null {
  if (rule !== 'business_duplicate' || duplicateReviewMs === null) return null;
  return { firstSlipId, reviewMs: duplicateReviewMs };
}

function isAbout({ kinds, routes }: AccountLimit, { kind, route }: Business): boolean {
  return kinds.includes(kind) && (routes === null || routes.includes(route));
}

function windowsOf(limit: AccountLimit, { amount }: Business): WindowLimit[] {
  const { name, windowMs, countMax } = limit;
  const most = amount && limit.amountMax.get(amount.currency);
  return [
    ...(countMax === null ? [] : [{ key: name, windowMs, most: BigInt(countMax), adds: 1n }]),
    ...(most ? [{ key: `${name} ${amount.currency}`, windowMs, most, adds: amount.amount }] : []),
  ];
}

/** What the store says of a slip that it stops: a rule's name, behind `limit_exceeded` the limit's key. */
export type GateWord = Exclude<GateRule, 'limit_exceeded'> | `limit_exceeded ${string}`;

/** @param firstSlipId the slip that is in the way, of a duplicate; null: it has no name yet */
export function gateRefusal(
  word: GateWord,
  { account, counterparty }: Gate,
  firstSlipId: string | null,
): Refusal {
  const [rule, key = ''] = cut(word);
  switch (rule) {
    case 'account_unknown':
      return { rule, field: 'account', detail: `Nobody has opened the account ${account}.` };
    case 'account_frozen':
      return { rule, field: 'account', detail: `The account ${account} is frozen.` };
    case 'account_closed':
      return { rule, field: 'account', detail: `The account ${account} is closed.` };
    case 'counterparty_frozen':
      return { rule, field: 'counterparty', detail: `The account ${counterparty} is frozen.` };
    case 'counterparty_closed':
      return { rule, field: 'counterparty', detail: `The account ${counterparty} is closed.` };
    case 'business_duplicate': {
      const first = firstSlipId === null ? 'An earlier slip of this request' : `The slip ${firstSlipId}`;
      const detail = `${first} is the same business: account, counterparty, kind and amount.`;
      return { rule, field: 'reference', detail, firstSlipId };
    }
    case 'limit_exceeded': {
      const field = key.includes(' ') ? 'amount' : 'account';
      return { rule, field, detail: `The account ${account} has used up its limit ${key}.` };
    }
    default:
      return unreachable(rule);
  }
}

/** A limit's name has no space in it; one about amounts has its currency behind it. */
function cut(word: GateWord): [GateRule, string?] {
  const at = word.indexOf(' ');
  return at < 0 ? [word as GateRule] : [word.slice(0, at) as GateRule, word.slice(at + 1)];
}
