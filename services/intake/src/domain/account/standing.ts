import type { Instant } from '@slipstream/kernel';
import type { AccountStatus, OpsEvent } from '@slipstream/slip';

export const accountStatuses: readonly AccountStatus[] = ['active', 'frozen', 'closed'];

/** What was said last about an account. */
export interface Standing {
  readonly account: string;
  readonly status: AccountStatus;
  readonly reason: string;
  /** Who said it. */
  readonly actor: string;
  readonly changedAt: Instant;
}

/** What somebody wants an account to be, and why. */
export interface StatusChange {
  readonly account: string;
  readonly status: AccountStatus;
  readonly reason: string;
  readonly actor: string;
  readonly requestId: string;
}

/** The event that follows; null: the account is so already, and the first reason stands. */
export function decideStatus(known: Standing | null, change: StatusChange): OpsEvent | null {
  if (known?.status === change.status) return null;
  return { type: 'AccountStatusChanged', data: { ...change, previous: known?.status ?? null } };
}
