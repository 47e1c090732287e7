import type { CallerIdentity } from '@slipstream/identity';
import type { SlipView } from '../../application/queries.ts';

/** Whose slips a caller sees; null: everybody's. */
export function ownerFor({ subject, scopes }: CallerIdentity): string | null {
  return scopes.includes('slips:read:all') ? null : subject;
}

/** A slip of somebody else is as one that is not there. */
export function isVisible({ state }: SlipView, caller: CallerIdentity): boolean {
  const owner = ownerFor(caller);
  return owner === null || state.caller === owner;
}

/** Whether a caller may read what submitters wrote beside their slips. */
export function readsMetadata({ scopes }: CallerIdentity): boolean {
  return scopes.includes('metadata:read');
}
