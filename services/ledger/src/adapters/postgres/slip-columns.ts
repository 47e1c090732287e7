import { serializeState } from '@slipstream/slip';
import type { FollowedSlip } from '../../domain/log/follow.ts';
import { joined, plainArray, textArray } from './arrays.ts';

/** Stored for a slip of which no event could be read: an empty text would be no element at all. */
export const unreadState = 'null';

/** The parameters of `saveSlipsSql` after the partition. A slip of which no event could be read is `submitted`. */
export function slipColumns(slips: readonly FollowedSlip[]): unknown[] {
  const states = slips.map(({ state }) => state);
  return [
    Buffer.concat(slips.map(({ chain }) => chain)),
    joined(states.map((state) => (state === null ? unreadState : serializeState(state)))),
    textArray(slips.map(({ slipId }) => slipId)),
    textArray(slips.map(({ clock }) => clock)),
    textArray(states.map((state) => state?.reference ?? null)),
    textArray(states.map((state) => state?.account ?? null)),
    textArray(states.map((state) => state?.counterparty ?? null)),
    textArray(states.map((state) => state?.provider ?? null)),
    textArray(states.map((state) => state?.kind ?? null)),
    textArray(states.map((state) => state?.status ?? 'submitted')),
    textArray(states.map((state) => state?.outcome ?? null)),
    textArray(states.map((state) => state?.cause?.class ?? null)),
    textArray(states.map((state) => state?.cause?.code ?? null)),
    plainArray(states.map((state) => state?.amount?.amount ?? null)),
    textArray(states.map((state) => state?.amount?.currency ?? null)),
    textArray(slips.map(({ listedAt }) => listedAt)),
    textArray(states.map((state) => state?.deadline ?? null)),
    plainArray(states.map((state) => state?.overdue ?? false)),
    plainArray(slips.map(({ version }) => version)),
    plainArray(slips.map(({ position }) => position)),
    plainArray(slips.map(({ waitsFrom }) => waitsFrom)),
  ];
}
