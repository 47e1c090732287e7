import type { CaseReason, SlipCase } from './state.ts';

/** Whether people must still look at it. */
export function isOpen({ resolution }: CaseReason): boolean {
  return resolution === null;
}

/**
 * The case that its reasons add up to, in the order in which they were opened: open until each is resolved. It is named
 * after the reason that has been open longest, or was resolved last.
 */
export function caseOf(reasons: readonly CaseReason[]): SlipCase | null {
  const named = reasons.find(isOpen) ?? reasons.at(-1);
  if (named === undefined) return null;
  const status = isOpen(named) ? 'open' : 'closed';
  return { status, openedAt: named.openedAt, reason: named.reason, reasons };
}
