import type { Instant } from '@slipstream/kernel';
import type { Cause } from '@slipstream/slip';
import type { Draft } from './draft.ts';

/** What a draft's decisions change in the slip's case file. */
export interface CaseChange {
  readonly slipId: string;
  readonly provider: string | null;
  readonly cause: Cause | null;
  /** A new case, or the old one opened anew for another reason. */
  readonly opened: { readonly reason: string; readonly summary: string; readonly at: Instant } | null;
  readonly closed: { readonly resolution: string; readonly at: Instant } | null;
}

/** Null when the slip has no case, or nothing about it changed. */
export function caseChangeOf({ slip, decided }: Draft): CaseChange | null {
  const { slipId, provider, cause, case: file } = slip.state;
  if (file === null) return null;
  let opened: CaseChange['opened'] = null;
  let closed: CaseChange['closed'] = null;
  let diagnosed = false;
  for (const { event, at } of decided) {
    if (event.type === 'SlipDiagnosed') diagnosed = true;
    if (event.type === 'CaseClosed') closed = { resolution: event.data.resolution, at };
    if (event.type === 'CaseOpened') {
      const { reason, summary } = event.data;
      opened = { reason, summary, at };
      closed = null;
    }
  }
  return opened || closed || diagnosed ? { slipId, provider, cause, opened, closed } : null;
}
