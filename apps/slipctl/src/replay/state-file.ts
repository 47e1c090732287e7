import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { isCount, type Note, noState, readNote, writeNote } from '../note.ts';
import type { Span } from './records.ts';
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

export function newState(meant: object, spans: ReadonlyMap<number, Span>): ReplayState {
  const of = JSON.parse(JSON.stringify(meant)) as object;
  const places = (place: 'start' | 'end') =>
    Object.fromEntries([...spans].map(([partition, span]) => [partition, span[place]]));
  return { id: randomUUID(), of, positions: places('start'), ends: places('end'), replayed: 0, standing: {} };
}

/** @throws CliError (usage) when there is none, it is none, or it is of another replay */
export function readState(file: string, meant: object): ReplayState {
  const state = readNote<ReplayState>(file, meant, 'replay');
  const { id, positions, ends, replayed, standing, unseen } = state;
  const isState =
    typeof id === 'string' &&
    [positions, ends, standing?.offsets ?? {}].every(arePlaces) &&
    isCount(replayed) &&
    isObject(standing) &&
    isCount(standing.bytes ?? 0) &&
    (unseen === undefined || Array.isArray(unseen?.slips));
  if (!isState) throw noState(file, 'replay');
  return state;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const arePlaces = (value: unknown) => isObject(value) && Object.values(value as object).every(isCount);

export const writeState = (file: string, state: ReplayState): void => writeNote(file, state, 'replay');

export function removeState(file: string): void {
  rmSync(file, { force: true });
}
