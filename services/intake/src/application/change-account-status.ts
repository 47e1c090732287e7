import type { OpsEvent } from '@slipstream/slip';
import { decideStatus, type Standing, type StatusChange } from '../domain/account/standing.ts';
import type { AccountStore } from './ports.ts';

/** Sets an account's status; slips that are submitted after the answer are judged by it. */
export function changeAccountStatus(
  accounts: AccountStore,
  change: StatusChange,
  traceparent: string | null,
): Promise<Standing> {
  const decide = (known: Standing | null): OpsEvent | null => decideStatus(known, change);
  return accounts.change(change.account, decide, traceparent);
}
