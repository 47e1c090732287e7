/**
 * The chart of accounts. A balance is credits less debits; each clock and currency has accounts of its own.
 * Account and provider ids stand between fixed words, so no two ids give the same name.
 */

const sides = {
  available: 'payer',
  held: 'payer',
  suspense: 'payer',
  settlement: 'provider',
  receivable: 'provider',
  fees: 'provider',
  costs: 'house',
  losses: 'house',
} as const;
export type AccountKind = keyof typeof sides;
export const accountKinds = Object.keys(sides) as readonly AccountKind[];

/** An account by whose it is and what for. */
interface AccountOf {
  readonly owner: string;
  readonly kind: AccountKind;
}

/** As postings show it. */
export const accountName = ({ owner, kind }: AccountOf): string => `${sides[kind]}:${owner}:${kind}`;

/** What {@link accountName} wrote; null for any other text. */
export function parseAccountName(name: string): AccountOf | null {
  const first = name.indexOf(':');
  const last = name.lastIndexOf(':');
  const kind = name.slice(last + 1);
  if (last <= first || !isKind(kind) || name.slice(0, first) !== sides[kind]) return null;
  return { owner: name.slice(first + 1, last), kind };
}

function isKind(word: string): word is AccountKind {
  return Object.hasOwn(sides, word);
}

/** What an account can still spend; below zero: owed from outside. */
export const payerAvailable = (account: string): string => accountName({ owner: account, kind: 'available' });
/** What is put aside for slips under way. */
export const payerHeld = (account: string): string => accountName({ owner: account, kind: 'held' });
/** What a provider says came back, or was never moved, until a statement or people say whether it did. */
export const payerSuspense = (account: string): string => accountName({ owner: account, kind: 'suspense' });
/** What has settled through a provider and went to counterparties outside. */
export const providerSettlement = (provider: string): string =>
  accountName({ owner: provider, kind: 'settlement' });
/**
 * What a provider owes: it executed a slip that was refunded, or denied one that was settled. Such a claim is a balance
 * below zero.
 */
export const providerReceivable = (provider: string): string =>
  accountName({ owner: provider, kind: 'receivable' });

/** What a provider charged for its work. */
export const providerFees = (provider: string): string => accountName({ owner: provider, kind: 'fees' });
/** Who pays what providers charge: whoever runs this system. What he costs stands below zero. */
export const houseCosts: string = accountName({ owner: 'own', kind: 'costs' });
/** What was claimed from providers and never came, by the word of two people; below zero as well. */
export const houseLosses: string = accountName({ owner: 'own', kind: 'losses' });

/** Stands for the provider where another internal service reports the answers and none is named. */
export const reportedProvider = 'reported';
