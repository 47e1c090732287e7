import type { Instant } from '@slipstream/kernel';
import { showTime } from '../output/show-time.ts';

export const verdicts = ['returned_on_time', 'returned_late', 'not_returned', 'open'] as const;
export type Verdict = (typeof verdicts)[number];

/** A slip of an imported file. */
export interface SlipVerdictSource {
  readonly reference: string;
  /** The file says one thing of it, and that was imported. */
  readonly isDetermined: boolean;
}

/** What a verdict is read from: a part of the ledger's slip. */
export interface LedgerSlip {
  readonly id: string;
  readonly reference: string | null;
  readonly status: string;
  readonly overdue: boolean;
  readonly returned_at: Instant | null;
  readonly deadline: Instant | null;
  readonly cause: { readonly code: string } | null;
}

/** The system's verdict: whether it called the slip overdue, and whether an answer came. */
export function verdictOf({ overdue, returned_at }: LedgerSlip): Verdict {
  if (returned_at !== null) return overdue ? 'returned_late' : 'returned_on_time';
  return overdue ? 'not_returned' : 'open';
}

/** The verdict that the times alone give when the clock stands at `until` (ARCHITECTURE section 8). */
export function verdictByTimes(deadline: Instant, returnedAt: Instant | null, until: Instant): Verdict {
  if (returnedAt !== null && returnedAt <= until) {
    return returnedAt <= deadline ? 'returned_on_time' : 'returned_late';
  }
  return deadline <= until ? 'not_returned' : 'open';
}

/** The slip was refused and never ran: by intake, or by the ledger for want of funds. */
export function isRefused({ status }: LedgerSlip): boolean {
  return status === 'rejected';
}

/** What is wrong when the system's verdict does not agree with the times it shows; null when it agrees. */
export function contradiction(slip: LedgerSlip, until: Instant): string | null {
  if (slip.deadline === null) return 'the ledger shows no deadline';
  const said = verdictOf(slip);
  const expected = verdictByTimes(slip.deadline, slip.returned_at, until);
  if (said === expected) return null;
  const times = `deadline ${showTime(slip.deadline)}, returned ${slip.returned_at ? showTime(slip.returned_at) : 'never'}`;
  return `the system says ${said}, but ${times} and the clock at ${showTime(until)} make it ${expected}`;
}

export const verdictHeader = 'reference,verdict,deadline,returned_at,cause\n';

/** A line of the verdict file: times in RFC 3339 UTC, the cause's code where the answer is late or missing. */
export function verdictLine(slip: LedgerSlip): string {
  const verdict = verdictOf(slip);
  const cause = verdict === 'not_returned' || verdict === 'returned_late' ? (slip.cause?.code ?? '') : '';
  const cells = [slip.reference ?? '', verdict, timeCell(slip.deadline), timeCell(slip.returned_at), cause];
  return `${cells.map(csvCell).join(',')}\n`;
}

/** The line of a slip that the file contradicts itself about. */
export function undeterminedLine(reference: string): string {
  return `${csvCell(reference)},undetermined,,,rows_contradict\n`;
}

function timeCell(time: Instant | null): string {
  return time === null ? '' : showTime(time);
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
