import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of all shares together so much is held before it is written. */
const heldBytesMax = 4 * 1024 * 1024;
const headBytes = 8;

export interface SharedRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * Records, put apart by the share that they are of: written in one go, read a share at a time. The file has no name any more when
 * the first is written, so that nothing is left behind whatever ends the process.
 */
export class ShareFile {
  readonly #file: number;
  readonly #blockBytesMax: number;
  readonly #held: { records: Buffer[]; bytes: number }[];
  /** Where the records of each share are, in the order in which they came. */
  readonly #blocks: { readonly at: number; readonly bytes: number }[][];
  #end = 0;

  constructor(shares: number) {
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-shares-'));
    try {
      this.#file = openSync(join(folder, 'records'), 'w+', 0o600);
    } finally {
      rmSync(folder, { recursive: true });
    }
    this.#blockBytesMax = Math.ceil(heldBytesMax / shares);
    this.#held = Array.from({ length: shares }, () => ({ records: [], bytes: 0 }));
    this.#blocks = Array.from({ length: shares }, () => []);
  }

  /** @param key and `value` may be views: what is kept is a copy */
  add(share: number, { key, value }: SharedRecord): void {
    const record = Buffer.allocUnsafe(headBytes + key.length + value.length);
    record.writeUInt32LE(key.length, 0);
    record.writeUInt32LE(value.length, 4);
    key.copy(record, headBytes);
    value.copy(record, headBytes + key.length);
    const held = this.#held[share]!;
    held.records.push(record);
    held.bytes += record.length;
    if (held.bytes >= this.#blockBytesMax) this.#write(share);
  }

  /** All of a share, in the order in which they came. */
  *records(share: number): Generator<SharedRecord> {
    this.#write(share);
    for (const { at, bytes } of this.#blocks[share]!) {
      const block = Buffer.allocUnsafe(bytes);
      for (let done = 0; done < bytes; ) {
        const read = readSync(this.#file, block, done, bytes - done, at + done);
        if (read === 0) throw new Error('the file of shares is shorter than what was written');
        done += read;
      }
      for (let from = 0; from < bytes; ) {
        const keyAt = from + headBytes;
        const valueAt = keyAt + block.readUInt32LE(from);
        const end = valueAt + block.readUInt32LE(from + 4);
        yield { key: block.subarray(keyAt, valueAt), value: block.subarray(valueAt, end) };
        from = end;
      }
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(share: number): void {
    const held = this.#held[share]!;
    if (held.bytes === 0) return;
    const block = Buffer.concat(held.records, held.bytes);
    for (let done = 0; done < block.length; )
      done += writeSync(this.#file, block, done, block.length - done, this.#end + done);
    this.#blocks[share]!.push({ at: this.#end, bytes: block.length });
    this.#end += block.length;
    this.#held[share] = { records: [], bytes: 0 };
  }
}
