import type { Chunk } from './chunk.ts';
import type { ConsumedRecord } from './ports.ts';

/** Records tried beside one that fails, before its failure is called its own. */
const probesMax = 4;

/**
 * What is known of the records around one that fails, over all partitions of a consumer: an error that hits neighbours,
 * too, is not the record's (rule 9), and nobody is to become a dead letter for it.
 */
export class Neighbours {
  #last: { readonly key: string; readonly errorClass: string } | null = null;

  /** Records were handled: whatever failed before failed by itself. */
  handled(): void {
    this.#last = null;
  }

  /** `key` became a dead letter with an error of this class. */
  setAside(key: string, errorClass: string): void {
    this.#last = { key, errorClass };
  }

  /** Whether the last record that was set aside had another key and the same error, and nothing was handled since. */
  failAlike(key: string, errorClass: string): boolean {
    return this.#last !== null && this.#last.key !== key && this.#last.errorClass === errorClass;
  }
}

/** The next records of other keys behind `offset`, one of each. */
export function neighboursOf(chunk: Chunk, offset: number, key: string): ConsumedRecord[] {
  const found = new Map<string, ConsumedRecord>();
  for (const record of chunk.records) {
    const other = keyOf(record);
    if (record.offset > offset && other !== key && !found.has(other)) found.set(other, record);
    if (found.size === probesMax) break;
  }
  return [...found.values()];
}

/** The record's key for comparing; one without a key is like no other. */
export function keyOf({ key, offset }: Pick<ConsumedRecord, 'key' | 'offset'>): string {
  return key === null ? `offset ${offset}` : key.toString('latin1');
}
