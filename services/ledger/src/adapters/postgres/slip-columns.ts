import { serializeState } from '@slipstream/slip';
import type { FollowedSlip } from '../../domain/log/follow.ts';

/** The columns of `saveSlipsSql`, one list per parameter. A slip of which no event could be read is `submitted`. */
export function slipColumns(slips: readonly FollowedSlip[]): unknown[][] {
  const states = slips.map(({ state }) => state);
  return [
    slips.map(({ slipId }) => slipId),
    slips.map(({ clock }) => clock),
    states.map((state) => state?.reference ?? null),
    states.map((state) => state?.account ?? null),
    states.map((state) => state?.counterparty ?? null),
    states.map((state) => state?.provider ?? null),
    states.map((state) => state?.kind ?? null),
    states.map((state) => state?.status ?? 'submitted'),
    states.map((state) => state?.outcome ?? null),
    states.map((state) => state?.cause?.class ?? null),
    states.map((state) => state?.cause?.code ?? null),
    states.map((state) => state?.amount?.amount ?? null),
    states.map((state) => state?.amount?.currency ?? null),
    slips.map(({ listedAt }) => listedAt),
    states.map((state) => state?.deadline ?? null),
    states.map((state) => state?.overdue ?? false),
    slips.map(({ version }) => version),
    slips.map(({ position }) => position),
    states.map((state) => (state === null ? '' : serializeState(state))),
    slips.map(({ chain }) => chain),
  ];
}
