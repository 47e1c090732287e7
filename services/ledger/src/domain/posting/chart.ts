/**
 * The chart of accounts. A balance is credits less debits; each clock and currency has accounts of its own.
 * Account and provider ids stand between fixed words, so no two ids give the same name.
 */

/** What an account can still spend; below zero: owed from outside. */
export const payerAvailable = (account: string): string => `payer:${account}:available`;
/** What is put aside for slips under way. */
export const payerHeld = (account: string): string => `payer:${account}:held`;
/** What has settled through a provider and went to counterparties outside. */
export const providerSettlement = (provider: string): string => `provider:${provider}:settlement`;
/** What a provider owes because it executed a slip that was refunded; such a claim is a balance below zero. */
export const providerReceivable = (provider: string): string => `provider:${provider}:receivable`;

/** Stands for the provider where another internal service reports the answers and none is named. */
export const reportedProvider = 'reported';
