import { addMs, type Instant } from '@slipstream/kernel';
import { parseState, type SubmittedSlip, serializeState } from '@slipstream/slip';
import type { Facts } from '../../domain/diagnosis/facts.ts';
import {
  isFinished,
  type NextStep,
  type Verdict,
  type WatchedSlip,
} from '../../domain/watch/watched-slip.ts';

export interface SlipRow {
  readonly partition: number;
  readonly verdict: Verdict;
  readonly next_step: NextStep['kind'] | null;
  readonly next_step_at: Instant | null;
  readonly state: string;
  readonly facts: string;
}

/** Columns of {@link SlipRow} in `open_slip o`. */
export const slipColumns = 'o.partition, o.verdict, o.next_step, o.next_step_at, o.state, o.facts';

export function toSlip(row: SlipRow): WatchedSlip {
  const nextStep = row.next_step && row.next_step_at ? { kind: row.next_step, at: row.next_step_at } : null;
  const state = parseState(row.state) as SubmittedSlip;
  return {
    ...{ partition: row.partition, verdict: row.verdict, nextStep, state },
    facts: JSON.parse(row.facts) as Facts,
  };
}

/** One array per column, in the order of the insert. */
export function toColumns(slips: readonly WatchedSlip[]): unknown[][] {
  return [
    slips.map(({ state }) => state.slipId),
    slips.map(({ partition }) => partition),
    slips.map(({ state }) => state.clock),
    slips.map(({ state }) => state.deadline),
    slips.map(({ state }) => addMs(state.deadline, state.policy.graceMs)),
    slips.map(({ verdict }) => verdict),
    slips.map(({ state }) => !state.held && state.rejection === null),
    slips.map(({ nextStep }) => nextStep?.kind ?? null),
    slips.map(({ nextStep }) => nextStep?.at ?? null),
    slips.map(isFinished),
    slips.map(({ state }) => serializeState(compact(state))),
    slips.map(({ facts }) => JSON.stringify(facts)),
  ];
}

/** Most facts of a slip are not there yet: what a state has at its beginning is not stored, and read back as such. */
function compact(state: SubmittedSlip): SubmittedSlip {
  const stored: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(state)) {
    if (value === null || value === false || value === 0) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    stored[name] = value;
  }
  return stored as unknown as SubmittedSlip;
}
