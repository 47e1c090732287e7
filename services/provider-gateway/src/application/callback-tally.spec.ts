import { expect, test } from '@jest/globals';
import type { PendingOpsEvent } from '@slipstream/slip';
import { CallbackTally } from './callback-tally.ts';
import type { CallbackCount, Store, StoreTx, TellableRefusals } from './ports.ts';

const told: TellableRefusals = {
  ...{ provider: 'acme', refused: 3, aboutItsSlips: 1, accepted: 0 },
  ...{ since: '2026-11-22T10:00:01.000000Z', until: '2026-11-22T10:00:59.000000Z' },
};

function keeping() {
  const tally = new CallbackTally();
  const state = { isAway: false, looks: 0, tellable: [] as TellableRefusals[], isMoreUntold: false };
  const added: CallbackCount[] = [];
  const events: PendingOpsEvent[] = [];
  const tx = {
    callbackCounts: {
      add: async (counts: CallbackCount[]) => {
        if (state.isAway) throw new Error('away');
        added.push(...counts);
      },
      takeTellable: async () => {
        state.looks++;
        return { told: state.tellable.splice(0), isMoreUntold: state.isMoreUntold };
      },
      untoldSlips: async () => [],
    },
    tell: (pending: readonly PendingOpsEvent[]) => void events.push(...pending),
  } as unknown as StoreTx;
  const store: Store = { run: (work) => work(tx) };
  return { tally, state, added, events, keep: () => tally.keep(store) };
}

test('a flood is one row, and what could not be written is written later', async () => {
  const { tally, state, added, keep } = keeping();
  for (let n = 0; n < 10_000; n++) tally.note('acme', 'refused');
  tally.note('acme', 'accepted');
  state.isAway = true;
  await expect(keep()).rejects.toThrow('away');
  tally.note('acme', 'refused');
  tally.note('bolt', 'accepted');
  state.isAway = false;
  expect(await keep()).toBe(2);
  expect(added).toEqual([
    { provider: 'acme', refused: 10_001, aboutItsSlips: 0, slips: [], accepted: 1 },
    { provider: 'bolt', refused: 0, aboutItsSlips: 0, slips: [], accepted: 1 },
  ]);
});

test('what an instance left untold is told, and then nobody looks until something is refused again', async () => {
  const { tally, state, events, keep } = keeping();
  state.tellable = [told];
  await keep();
  expect(events).toEqual([{ subject: 'acme', event: { type: 'CallbacksRefused', data: told } }]);
  expect(await keep()).toBe(0);
  expect(state.looks).toBe(1);
  tally.note('acme', 'refused');
  state.isMoreUntold = true;
  await keep();
  // Its minute is not over yet: it is looked for until it is.
  state.tellable = [told];
  state.isMoreUntold = false;
  await keep();
  expect(events).toHaveLength(2);
  expect(state.looks).toBe(3);
});
