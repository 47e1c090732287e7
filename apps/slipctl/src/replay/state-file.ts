import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { CliError, messageOf } from '../exit.ts';

/** How far a replay has come, so that it can go on without a gap or a repeat. */
export interface ReplayState {
  /** Of this replay; records that it writes into a topic carry it. */
  readonly id: string;
  /** What is replayed, and where to: another replay does not go on from here. */
  readonly of: string;
  /** By partition: the first offset that was not replayed, and the end of the log when the replay began. */
  readonly positions: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
  readonly replayed: number;
  readonly standing: Standing;
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

const digestOf = (meant: object): string => createHash('sha256').update(JSON.stringify(meant)).digest('hex');

/** @throws CliError (usage) when there is none, or it is of another replay */
export function readState(file: string, meant: object): ReplayState {
  let state: ReplayState;
  try {
    state = JSON.parse(readFileSync(file, 'utf8')) as ReplayState;
  } catch (error) {
    throw new CliError('usage', `there is no replay to go on with: ${file}: ${messageOf(error)}`);
  }
  if (typeof state.of !== 'string' || typeof state.positions !== 'object' || typeof state.ends !== 'object')
    throw new CliError('usage', `${file} is no state of a replay`);
  if (state.of !== digestOf(meant))
    throw new CliError('usage', `${file} is of another replay: give the options that it began with`);
  return state;
}

/** All of it or, whatever happens, what stood there before. */
export function writeState(file: string, state: ReplayState): void {
  const fresh = `${file}.new`;
  try {
    const handle = openSync(fresh, 'w', 0o600);
    try {
      writeSync(handle, `${JSON.stringify(state)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(fresh, file);
  } catch (error) {
    throw new CliError('usage', `the state of the replay cannot be kept: ${messageOf(error)}`);
  }
}

export function removeState(file: string): void {
  rmSync(file, { force: true });
}
