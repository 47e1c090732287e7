import type { Instant } from '@slipstream/kernel';
import type { Hash } from './follow.ts';

/** The tree of a partition at a moment (RFC 9162: a tree head). */
export interface TreeHead {
  readonly partition: number;
  readonly size: number;
  readonly root: Hash;
}

/** What a checkpoint says. */
export interface Checkpoint {
  /** UUIDv7. */
  readonly id: string;
  readonly at: Instant;
  /** By partition; those that have no record are left out. */
  readonly heads: readonly TreeHead[];
}

const title = 'slipstream ledger checkpoint v1';
const line = /^(\d{1,9}) (\d{1,15}) ([A-Za-z0-9+/]{43}=)$/;

/**
 * The text that is signed: a title, the id, the time, and a line for each partition: its number, how many leaves its tree has,
 * and its root in base64. Each line ends with a line feed.
 */
export function checkpointText({ id, at, heads }: Checkpoint): string {
  return `${[title, id, at, ...heads.map(headLine)].join('\n')}\n`;
}

/** Whether both say the same of every partition. */
export function sameHeads(one: readonly TreeHead[], other: readonly TreeHead[]): boolean {
  return one.map(headLine).join() === other.map(headLine).join();
}

/** Reads what {@link checkpointText} wrote; a note's signatures behind it are passed over. */
export function checkpointOf(note: string): Checkpoint {
  const end = note.indexOf('\n\n');
  const [first, id, at, ...lines] = note.slice(0, end < 0 ? note.length : end).split('\n');
  if (first !== title || id === undefined || at === undefined) throw new Error('no checkpoint');
  const heads = lines
    .filter((text) => text !== '')
    .map((text): TreeHead => {
      const [, partition, size, root] = line.exec(text) ?? [];
      if (root === undefined) throw new Error('no checkpoint');
      return {
        partition: Number(partition),
        size: Number(size),
        root: Buffer.from(root, 'base64').toString('latin1'),
      };
    });
  return { id, at: at as Instant, heads };
}

function headLine({ partition, size, root }: TreeHead): string {
  return `${partition} ${size} ${Buffer.from(root, 'latin1').toString('base64')}`;
}
