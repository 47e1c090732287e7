import { addMs, type Instant } from '@slipstream/kernel';
import { parseState, type SubmittedSlip, serializeState } from '@slipstream/slip';
import type { Observations } from '../../domain/diagnosis/observations.ts';
import { tellAt } from '../../domain/stage/present-stage.ts';
import type { NextStep, Verdict, WatchedSlip } from '../../domain/watch/watched-slip.ts';

export interface SlipRow {
  readonly partition: number;
  readonly verdict: Verdict;
  readonly next_step: NextStep['kind'] | null;
  readonly next_step_at: Instant | null;
  readonly state: string;
  readonly observations: string;
}

/** Columns of {@link SlipRow} in `open_slip o`. */
export const slipColumns = 'o.partition, o.verdict, o.next_step, o.next_step_at, o.state, o.observations';

export function toSlip(row: SlipRow): WatchedSlip {
  const nextStep = row.next_step && row.next_step_at ? { kind: row.next_step, at: row.next_step_at } : null;
  const state = parseState(row.state) as SubmittedSlip;
  return {
    ...{ partition: row.partition, verdict: row.verdict, nextStep, state },
    observations: JSON.parse(row.observations) as Observations,
  };
}

/** One array per column of `open_slip`, in the order of the insert. */
export function watchedColumns(slips: readonly WatchedSlip[]): unknown[][] {
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
    ...texts(slips),
    slips.map(tellAt),
  ];
}

/** One array per column of `archived_slip`, in the order of the insert. */
export function archivedColumns(slips: readonly WatchedSlip[]): unknown[][] {
  return [
    slips.map(({ state }) => state.slipId),
    slips.map(({ partition }) => partition),
    slips.map(({ verdict }) => verdict),
    ...texts(slips),
  ];
}

function texts(slips: readonly WatchedSlip[]): string[][] {
  return [
    slips.map(({ state }) => serializeState(state)),
    slips.map(({ observations }) => JSON.stringify(observations)),
  ];
}
