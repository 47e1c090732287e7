import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { CliError } from '../exit.ts';
import { digestOf, type Note, readNote, writeNote } from '../note.ts';
import type { UnseenNames } from './unseen.ts';

/** How far a replay has come, so that it can go on without a gap or a repeat. */
export interface ReplayState extends Note {
  /** Of this replay; records that it writes into a topic carry it. */
  readonly id: string;
  /** By partition: the first offset that was not replayed, and the end of the log when the replay began. */
  readonly positions: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
  readonly replayed: number;
  readonly standing: Standing;
  /** Of what was named. */
  readonly unseen?: UnseenNames;
}

/** How far the target had come. */
export interface Standing {
  /** Of a file. */
  readonly bytes?: number;
  /** Of a topic, by partition: nothing later than what is counted lies before it. */
  readonly offsets?: Readonly<Record<string, number>>;
}

export function newState(meant: object, ends: Readonly<Record<string, number>>): ReplayState {
  return { id: randomUUID(), of: digestOf(meant), positions: {}, ends, replayed: 0, standing: {} };
}

/** @throws CliError (usage) when there is none, or it is of another replay */
export function readState(file: string, meant: object): ReplayState {
  const state = readNote<ReplayState>(file, meant, 'replay');
  if (typeof state.positions !== 'object' || typeof state.ends !== 'object')
    throw new CliError('usage', `${file} is no state of a replay`);
  return state;
}

export const writeState = (file: string, state: ReplayState): void => writeNote(file, state, 'replay');

export function removeState(file: string): void {
  rmSync(file, { force: true });
}
