import { expect, it } from '@jest/globals';
import type { Instant } from '@slipstream/kernel';
import { checkpointOf, type TreeHead } from '../domain/log/checkpoint.ts';
import { type CheckpointTx, type StoredCheckpoint, takeCheckpoint } from './take-checkpoint.ts';

const head = (partition: number, size: number): TreeHead => ({
  partition,
  size,
  root: String.fromCharCode(size).repeat(32),
});
const signer = { id: '0a0b0c0d', verifierKey: 'k', sign: (text: string) => `${text}\n— signed\n` };

/** A log of one moment after the other. */
function log() {
  const kept: StoredCheckpoint[] = [];
  const state = { now: '2026-11-26T10:00:00.000000Z' as Instant, heads: [] as TreeHead[] };
  const tx: CheckpointTx = {
    lock: async () => {},
    heads: async () => state,
    latest: async () => kept.at(-1) ?? null,
    keep: (checkpoint) => void kept.push(checkpoint),
  };
  const take = (minMs: number) => takeCheckpoint(tx, signer, () => `id-${kept.length + 1}`, minMs);
  return { kept, state, take };
}

it('signs what the log is, once, and again only when it has changed and the last is old enough', async () => {
  const { kept, state, take } = log();
  expect(await take(5_000)).toEqual({ kind: 'unchanged' });
  state.heads = [head(0, 3), head(7, 1)];
  expect(await take(5_000)).toMatchObject({ kind: 'signed' });
  expect(checkpointOf(kept[0]!.note)).toEqual({ id: 'id-1', at: state.now, heads: state.heads });
  expect(kept[0]!.note.endsWith('\n\n— signed\n')).toBe(true);
  expect(await take(5_000)).toEqual({ kind: 'unchanged' });

  state.heads = [head(0, 4), head(7, 1)];
  state.now = '2026-11-26T10:00:01.500000Z';
  expect(await take(5_000)).toEqual({ kind: 'early', waitMs: 3_500 });
  expect(kept).toHaveLength(1);
  state.now = '2026-11-26T10:00:05.000000Z';
  expect(await take(5_000)).toMatchObject({ kind: 'signed' });
  state.heads = [head(0, 4), head(7, 2)];
  // Somebody waits for it.
  expect(await take(0)).toMatchObject({ kind: 'signed' });
  expect(kept.map(({ note }) => checkpointOf(note).heads.map(({ size }) => size))).toEqual([
    [3, 1],
    [4, 1],
    [4, 2],
  ]);
});

it('never waits longer than asked for, whatever the clock of the database did', async () => {
  const { state, take } = log();
  state.heads = [head(0, 1)];
  await take(5_000);
  state.heads = [head(0, 2)];
  state.now = '2026-11-26T09:00:00.000000Z';
  expect(await take(5_000)).toEqual({ kind: 'early', waitMs: 5_000 });
});
