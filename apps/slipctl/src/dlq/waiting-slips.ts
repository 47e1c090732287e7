import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import type { LetterView } from './views.ts';

/** A slip that waits in one service, and what of it waits. */
export interface WaitingSlip {
  readonly service: string;
  readonly slip: string;
  /** The letter that all of them wait for. */
  readonly first: LetterView;
  /** Later records of the slip that wait behind it. */
  readonly behind: number;
}

/** The longest waiting first. `letters`: of one service, the oldest first, as it lists them. */
export function waitingSlips(service: string, letters: readonly LetterView[]): WaitingSlip[] {
  const slips = new Map<string, WaitingSlip>();
  for (const letter of letters) {
    const slip = letter.slip ?? letter.key ?? `${letter.topic}:${letter.partition}:${letter.offset}`;
    const known = slips.get(slip);
    slips.set(
      slip,
      known ? { ...known, behind: known.behind + 1 } : { service, slip, first: letter, behind: 0 },
    );
  }
  return [...slips.values()];
}

export function waitingTable(slips: readonly WaitingSlip[]): string {
  if (slips.length === 0) return 'no slip waits';
  const rows = slips.map(({ service, slip, first, behind }) => [
    ...[service, slip, first.reason, first.id, showTime(first.failed_at), String(behind)],
  ]);
  return table([['service', 'slip', 'reason', 'first', 'since', 'behind it'], ...rows]);
}
