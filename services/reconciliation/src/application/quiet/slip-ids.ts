/** Ids of slips are UUIDs; four words of one are kept instead of its 36 letters. */
export const idWords = 4;

/** Where the 16 bytes stand in the text. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const dashes = [8, 13, 18, 23];
const textLength = 36;

/** Of small letters only: another spelling would be another text. */
const digitOf = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) digitOf[i.toString(16).charCodeAt(0)] = i;

/** Reads the text of a UUID into `words`; false: it is none, or spelled otherwise than ours are. */
export function readId(bytes: Uint8Array, at: number, length: number, words: Uint32Array): boolean {
  if (length !== textLength) return false;
  for (let i = 0; i < dashes.length; i++) if (bytes[at + dashes[i]!] !== 45) return false;
  let all = 0;
  for (let word = 0; word < idWords; word++) {
    let value = 0;
    for (let i = word * 4; i < word * 4 + 4; i++) {
      const high = digitOf[bytes[at + places[i]!]!]!;
      const low = digitOf[bytes[at + places[i]! + 1]!]!;
      all |= high | low;
      value = (value << 8) | (high << 4) | low;
    }
    words[word] = value;
  }
  return all >= 0;
}

/** The same of a text. */
export function idOf(text: string, words: Uint32Array): boolean {
  return readId(Buffer.from(text), 0, text.length, words);
}

export function idText(words: Uint32Array, at = 0): string {
  let hex = '';
  for (let i = 0; i < idWords; i++) hex += words[at + i]!.toString(16).padStart(8, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Ids one after the other, without an object for each. */
export class IdList {
  #words = new Uint32Array(idWords * 16);
  #length = 0;

  /** @throws RangeError for a text that is no id of ours */
  static of(texts: readonly string[]): IdList {
    const list = new IdList();
    const id = new Uint32Array(idWords);
    for (const text of texts) {
      if (!idOf(text, id)) throw new RangeError(`${text} is no slip's id`);
      list.push(id);
    }
    return list;
  }

  get length(): number {
    return this.#length;
  }

  push(id: Uint32Array): void {
    const at = this.#length * idWords;
    if (at === this.#words.length) {
      const grown = new Uint32Array(at * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    for (let i = 0; i < idWords; i++) this.#words[at + i] = id[i]!;
    this.#length += 1;
  }

  /** The 16 bytes of each, in the same array every time. */
  *bytes(): Iterable<Uint8Array> {
    const bytes = Buffer.alloc(idWords * 4);
    for (let at = 0; at < this.#length * idWords; at += idWords) {
      for (let i = 0; i < idWords; i++) bytes.writeUInt32BE(this.#words[at + i]!, i * 4);
      yield bytes;
    }
  }
}
