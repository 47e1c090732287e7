import type { CaseReason, SlipCase } from './state.ts';

/** Whether people must still look at it. */
export function isOpen({ resolution }: CaseReason): boolean {
  return resolution === null;
}

/** What is noted of a case that nobody has closed in time. */
export const escalated = 'escalated';

/**
 * The case that its reasons add up to, in the order in which they were opened: open until each is resolved. It is named
 * after the reason that has been open longest, or was resolved last.
 */
export function caseOf(reasons: readonly CaseReason[], before: SlipCase | null): SlipCase | null {
  const named = reasons.find(isOpen) ?? reasons.at(-1);
  if (named === undefined) return null;
  const status = isOpen(named) ? 'open' : 'closed';
  const isNew = before?.status !== 'open' && status === 'open';
  return {
    ...{ status, openedAt: named.openedAt, reason: named.reason, reasons },
    assignee: before?.assignee ?? null,
    escalatedAt: isNew ? null : (before?.escalatedAt ?? null),
  };
}
