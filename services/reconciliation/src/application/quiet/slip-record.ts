/** Of a slip's events so many offsets are kept: one with more events is no quiet one. */
export const offsetsMax = 6;

/*
 * The record of a slip, in 32-bit words where nothing else is said. Four of its id. Two doubles: when it is due, and its amount. The low 32 bits of its
 * events' offsets (open slips lie within 2^32 records of each other). The milliseconds between deadline and due. The low
 * 32 bits of milliseconds when it was dispatched (0: it was not) and when its present stage began. Its place in a heap. Three bytes of
 * the currency's letters, and one that tells which limits its stages have (`StagePolicies`). Then, smaller than words: which route and
 * provider (`Ways`), its flags, and how many offsets it has. Snapshots are written so: another layout is another format.
 */
export const dueDouble = 2;
export const amountDouble = 3;
export const offsetsWord = 8;
export const graceWord = offsetsWord + offsetsMax;
export const dispatchedWord = graceWord + 1;
export const sinceWord = graceWord + 2;
export const placeWord = graceWord + 3;
export const currencyWord = graceWord + 4;
const lastWord = graceWord + 5;
export const wayHalf = 2 * lastWord;
export const flagsByte = 4 * lastWord + 2;
export const countByte = flagsByte + 1;
export const slotWords = lastWord + 1;
export const slotDoubles = slotWords / 2;
export const slotHalves = slotWords * 2;
export const slotBytes = slotWords * 4;

/** The records of many slips in one buffer, read as numbers of every size. */
export interface Records {
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly halves: Uint16Array;
  readonly bytes: Uint8Array;
}

export function recordsFor(slots: number): Records {
  const buffer = new ArrayBuffer(slots * slotBytes);
  return {
    words: new Uint32Array(buffer),
    doubles: new Float64Array(buffer),
    halves: new Uint16Array(buffer),
    bytes: new Uint8Array(buffer),
  };
}

/** Of what there is room for, so much is made free: doubling would leave half of a large set empty. */
const growth = 1 / 16;

/** What room is made for, that so many slips find it. */
export function roomFor(slips: number): number {
  return Math.ceil(slips * (1 + growth));
}
