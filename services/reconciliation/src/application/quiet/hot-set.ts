import { DeadlineHeap } from './deadline-heap.ts';
import { idWords } from './slip-ids.ts';
import {
  amountDouble,
  countByte,
  currencyWord,
  dispatchedWord,
  dueDouble,
  flagsByte,
  graceWord,
  offsetsMax,
  offsetsWord,
  placeWord,
  type Records,
  recordsFor,
  roomFor,
  sinceWord,
  slotBytes,
  slotDoubles,
  slotHalves,
  slotWords,
  wayHalf,
} from './slip-record.ts';

const none = -1;

/** What is known of a quiet slip beside its numbers. */
export const isHeld = 1;
export const isInTime = 2;
/** A call to its provider ended without an answer: it may have it, whatever becomes of the next call. */
export const mayHaveLeft = 4;
/** It was said that it takes longer than others. */
export const isSlow = 8;
/** A call to its provider was intended. */
export const isSent = 16;
/** The provider was heard. */
export const isHeard = 32;
/** It was said that its present stage takes too long: the warning, and that something must be done. */
export const isWarned = 64;
export const isLate = 128;

/** What is kept of a slip. Times in microseconds since 1970. */
export interface HotSlip {
  readonly deadline: number;
  /** Deadline and grace, which is whole milliseconds: when it can be judged. */
  readonly due: number;
  readonly flags: number;
  /** Minor units; -1: the slip has no amount. */
  readonly amount: number;
  /** The three letters of its currency as a number. */
  readonly currency: number;
}

/**
 * The open slips of one partition about which nothing was ever to be decided: no object and no text per slip, but a
 * record of 80 bytes in one buffer, so that an event about one of very many slips waits for one or two lines of the
 * processor's cache, and a snapshot is a copy. A table of slots by the 128-bit id (open addressing), two heaps of
 * deadlines (those whose hold was answered, and those that wait for it), and the offsets of each slip's events, from which
 * all that is known of it can be read again.
 */
export class HotSet {
  size = 0;
  /** Open and held; and open, but the ledger has not answered. Slips that returned in time are in neither. */
  readonly held = new DeadlineHeap();
  readonly unheld = new DeadlineHeap();
  #capacity: number;
  #records: Records;
  #table: Int32Array;
  /** Slots used so far, and the first of those that are free again; the next is in `place`. */
  #used = 0;
  #free = none;

  constructor(capacity = 256) {
    this.#capacity = capacity;
    this.#records = recordsFor(capacity);
    this.#table = tableFor(capacity);
  }

  /** What all this takes, in bytes. */
  get bytes(): number {
    return this.#records.words.byteLength + this.held.bytes + this.unheld.bytes + this.#table.byteLength;
  }

  /** Slips that the arrays can hold. */
  get capacity(): number {
    return this.#capacity;
  }

  /** One more slip would need larger arrays. */
  get isFull(): boolean {
    return this.size === this.#capacity;
  }

  /** The slot of an id, or -1. */
  find(id: Uint32Array): number {
    const table = this.#table;
    const { words } = this.#records;
    const mixed = hash(id, 0);
    const tag = tagOf(mixed);
    for (let at = homeIn(table, mixed); ; at = at + 1 === table.length ? 0 : at + 1) {
      const entry = table[at]!;
      if (entry === none) return none;
      if ((entry & ~slotMask) !== tag) continue;
      const slot = entry & slotMask;
      const o = slot * slotWords;
      if (words[o + 3] === id[3] && words[o + 2] === id[2] && words[o + 1] === id[1] && words[o] === id[0])
        return slot;
    }
  }

  /** The id must not be there. */
  add(id: Uint32Array, slip: HotSlip): number {
    if (this.#free === none && this.#used === this.#capacity) this.#grow();
    const slot = this.#free === none ? this.#used++ : this.#free;
    const { words, doubles, bytes } = this.#records;
    const o = slot * slotWords;
    if (slot === this.#free) this.#free = words[o + placeWord]! | 0;
    words.fill(0, o, o + slotWords);
    for (let word = 0; word < idWords; word++) words[o + word] = id[word]!;
    doubles[slot * slotDoubles + dueDouble] = slip.due;
    doubles[slot * slotDoubles + amountDouble] = slip.amount;
    words[o + graceWord] = (slip.due - slip.deadline) / microsPerMs;
    words[o + currencyWord] = slip.currency << 8;
    bytes[slot * slotBytes + flagsByte] = slip.flags;
    words[o + placeWord] = none;
    this.#insert(slot);
    if ((slip.flags & isInTime) === 0) this.#heapOf(slot).add(slot, slip.due, words);
    this.size += 1;
    return slot;
  }

  remove(slot: number): void {
    this.#untime(slot);
    this.#forget(slot);
    this.#records.words[slot * slotWords + placeWord] = this.#free;
    this.#free = slot;
    this.#records.bytes[slot * slotBytes + countByte] = freed;
    this.size -= 1;
  }

  get(slot: number): HotSlip {
    return {
      ...{ deadline: this.deadline(slot), due: this.due(slot), flags: this.#flags(slot) },
      ...{ amount: this.amount(slot), currency: this.currency(slot) },
    };
  }

  deadline(slot: number): number {
    return this.due(slot) - this.#records.words[slot * slotWords + graceWord]! * microsPerMs;
  }

  due(slot: number): number {
    return this.#records.doubles[slot * slotDoubles + dueDouble]!;
  }

  has(slot: number, flag: number): boolean {
    return (this.#flags(slot) & flag) !== 0;
  }

  isAmount(slot: number, amount: number, currency: number): boolean {
    return this.amount(slot) === amount && this.currency(slot) === currency;
  }

  hasAmount(slot: number): boolean {
    return this.amount(slot) >= 0;
  }

  /** Copies the id of a slot. */
  id(slot: number, into: Uint32Array, at = 0): void {
    const { words } = this.#records;
    for (let word = 0; word < idWords; word++) into[at + word] = words[slot * slotWords + word]!;
  }

  amount(slot: number): number {
    return this.#records.doubles[slot * slotDoubles + amountDouble]!;
  }

  currency(slot: number): number {
    return this.#records.words[slot * slotWords + currencyWord]! >>> 8;
  }

  way(slot: number): number {
    return this.#records.halves[slot * slotHalves + wayHalf]!;
  }

  /** As it is kept; 0: it was not dispatched, or provably did not leave. */
  dispatched(slot: number): number {
    return this.#records.words[slot * slotWords + dispatchedWord]!;
  }

  /** When it was dispatched, in milliseconds since 1970: less than 24 days before `now`, or after it. */
  dispatchedAt(slot: number, now: number): number {
    return near(this.dispatched(slot), now);
  }

  setWay(slot: number, way: number, dispatched: number): void {
    this.#records.halves[slot * slotHalves + wayHalf] = way;
    this.#records.words[slot * slotWords + dispatchedWord] = dispatched;
  }

  /** The number of its stages' limits; 0: they have none. */
  stages(slot: number): number {
    return this.#records.words[slot * slotWords + currencyWord]! & 255;
  }

  /** When its present stage began, in milliseconds as it is kept. */
  since(slot: number): number {
    return this.#records.words[slot * slotWords + sinceWord]!;
  }

  /** When its present stage began, in milliseconds since 1970: less than 24 days before `now`, or after it. */
  sinceAt(slot: number, now: number): number {
    return near(this.since(slot), now);
  }

  limitStages(slot: number, stages: number, since: number): void {
    const { words } = this.#records;
    words[slot * slotWords + currencyWord] = (this.currency(slot) << 8) | stages;
    words[slot * slotWords + sinceWord] = since % wrap;
  }

  /** Its next stage begins: `flag` tells which. */
  enter(slot: number, flag: number, since: number): void {
    this.#setFlags(slot, (this.#flags(slot) | flag) & ~(isWarned | isLate));
    this.#records.words[slot * slotWords + sinceWord] = since % wrap;
  }

  mark(slot: number, flag: number): void {
    this.#setFlags(slot, this.#flags(slot) | flag);
  }

  /** Whether one more event can be noted. */
  hasRoom(slot: number): boolean {
    return this.#count(slot) < offsetsMax;
  }

  note(slot: number, offset: number): void {
    const { words, bytes } = this.#records;
    const at = slot * slotBytes + countByte;
    words[slot * slotWords + offsetsWord + bytes[at]!] = offset % wrap;
    bytes[at] = bytes[at]! + 1;
  }

  /** The offsets of the slip's events, all of them below `before`. */
  offsets(slot: number, before: number): number[] {
    const at = slot * slotWords + offsetsWord;
    const low = this.#records.words.subarray(at, at + this.#count(slot));
    return Array.from(low, (one) => before - distance(one, before));
  }

  /** The ledger has answered: the slip waits for its deadline alone. */
  hold(slot: number): void {
    if (this.has(slot, isHeld)) return;
    const { words } = this.#records;
    const isTimed = !this.has(slot, isInTime);
    if (isTimed) this.unheld.remove(slot, words);
    this.mark(slot, isHeld);
    if (isTimed) this.held.add(slot, this.due(slot), words);
  }

  /** Its deadline is another one, of the same grace. */
  delay(slot: number, deadline: number): void {
    const { words, doubles } = this.#records;
    const heap = this.#heapOf(slot);
    const isTimed = !this.has(slot, isInTime);
    if (isTimed) heap.remove(slot, words);
    doubles[slot * slotDoubles + dueDouble] = deadline + this.due(slot) - this.deadline(slot);
    if (isTimed) heap.add(slot, this.due(slot), words);
  }

  /** It has returned in time: no deadline is waited for. */
  returnInTime(slot: number): void {
    this.#untime(slot);
    this.mark(slot, isInTime);
  }

  /** The slots whose latest event lies furthest back, of all that lie below `before`: at most so many, in no order. */
  coldest(before: number, slotsMax: number): number[] {
    const slots = Int32Array.from(this.slots());
    const ages = Float64Array.from(slots, (slot) => this.#age(slot, before));
    const least = ages.toSorted()[Math.max(0, ages.length - slotsMax)]!;
    return Array.from(slots.filter((_, i) => ages[i]! >= least)).slice(0, slotsMax);
  }

  /** Records between a slip's latest event and `before`. */
  #age(slot: number, before: number): number {
    return distance(this.#records.words[slot * slotWords + offsetsWord + this.#count(slot) - 1]!, before);
  }

  /** Tells of every slot that is in use. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#count(slot) !== freed) yield slot;
  }

  /** Copies the records of slots in use from `slot` on, as many as fit: the slot behind them, and the bytes copied. */
  copyRecords(slot: number, into: Uint8Array): { readonly next: number; readonly bytes: number } {
    let at = 0;
    let next = slot;
    while (next < this.#used && at + slotBytes <= into.length) {
      const from = next;
      const room = Math.min(this.#used, from + Math.floor((into.length - at) / slotBytes));
      while (next < room && this.#count(next) !== freed) next++;
      into.set(this.#records.bytes.subarray(from * slotBytes, next * slotBytes), at);
      at += (next - from) * slotBytes;
      while (next < this.#used && this.#count(next) === freed) next++;
    }
    return { next, bytes: at };
  }

  /** Adds slips of {@link copyRecords} to a set that none has left. Where one stood in a heap means nothing here. */
  addRecords(chunk: Uint8Array): void {
    const slots = chunk.length / slotBytes;
    while (this.#used + slots > this.#capacity) this.#grow();
    const { words, bytes } = this.#records;
    bytes.set(chunk, this.#used * slotBytes);
    for (let n = 0; n < slots; n++) {
      const slot = this.#used++;
      words[slot * slotWords + placeWord] = none;
      this.#insert(slot);
      if (!this.has(slot, isInTime)) this.#heapOf(slot).add(slot, this.due(slot), words);
    }
    this.size += slots;
  }

  /** The slots due at or before `time` in a heap, at most so many, the earliest first. */
  dueIn(heap: DeadlineHeap, time: number, slotsMax: number): number[] {
    const found: number[] = [];
    const { words } = this.#records;
    while (found.length < slotsMax && heap.first !== none && this.due(heap.first) <= time) {
      const { first } = heap;
      found.push(first);
      heap.remove(first, words);
    }
    for (const slot of found) heap.add(slot, this.due(slot), words);
    return found;
  }

  #flags(slot: number): number {
    return this.#records.bytes[slot * slotBytes + flagsByte]!;
  }

  #setFlags(slot: number, flags: number): void {
    this.#records.bytes[slot * slotBytes + flagsByte] = flags;
  }

  /** How many events were noted; of a free slot {@link freed}. */
  #count(slot: number): number {
    return this.#records.bytes[slot * slotBytes + countByte]!;
  }

  #heapOf(slot: number): DeadlineHeap {
    return this.has(slot, isHeld) ? this.held : this.unheld;
  }

  #untime(slot: number): void {
    const { words } = this.#records;
    if (words[slot * slotWords + placeWord] !== nowhere && !this.has(slot, isInTime))
      this.#heapOf(slot).remove(slot, words);
  }

  #insert(slot: number): void {
    const table = this.#table;
    const mixed = hash(this.#records.words, slot * slotWords);
    let at = homeIn(table, mixed);
    while (table[at] !== none) at = at + 1 === table.length ? 0 : at + 1;
    table[at] = slot | tagOf(mixed);
  }

  /** Takes a slot out of the table, and moves those behind it up, so that every search goes on to find its own. */
  #forget(slot: number): void {
    const table = this.#table;
    const { length } = table;
    const { words } = this.#records;
    let hole = homeIn(table, hash(words, slot * slotWords));
    while ((table[hole]! & slotMask) !== slot) hole = hole + 1 === length ? 0 : hole + 1;
    for (let at = (hole + 1) % length; table[at] !== none; at = at + 1 === length ? 0 : at + 1) {
      const home = homeIn(table, hash(words, (table[at]! & slotMask) * slotWords));
      if ((at - home + length) % length < (at - hole + length) % length) continue;
      table[hole] = table[at]!;
      hole = at;
    }
    table[hole] = none;
  }

  #grow(): void {
    this.#capacity = roomFor(this.#capacity + 1);
    if (this.#capacity > slotMask)
      throw new RangeError(`a partition has no room for ${this.#capacity} slips`);
    const records = recordsFor(this.#capacity);
    records.words.set(this.#records.words);
    this.#records = records;
    if (this.#table.length >= this.#capacity * tableRoomMin) return;
    this.#table = tableFor(this.#capacity);
    for (const slot of this.slots()) this.#insert(slot);
  }
}

const microsPerMs = 1_000;
/** Instead of a number of events: the slot is free. */
const freed = 255;
const wrap = 2 ** 32;
/** As a word. */
const nowhere = wrap - 1;
/** Places in the table for each slot: at least, and when it is made. */
const tableRoomMin = 1.35;
const tableRoom = 1.6;
/** Of an entry of the table; the seven bits above are some of the hash, so that few other records are looked at. */
const slotMask = 0xff_ffff;

/** How far an offset, of which the low 32 bits are known, lies below `before`. */
function distance(low: number, before: number): number {
  return ((before % wrap) - low + wrap) % wrap || wrap;
}

function near(low: number, now: number): number {
  const age = distance(low, now) % wrap;
  return age < wrap / 2 ? now - age : now - age + wrap;
}

function tableFor(capacity: number): Int32Array {
  return new Int32Array(Math.max(64, Math.ceil(capacity * tableRoom))).fill(none);
}

function homeIn(table: Int32Array, mixed: number): number {
  return Math.floor((mixed >>> 0) * (table.length / wrap));
}

function tagOf(mixed: number): number {
  return (mixed & 0x7f) << 24;
}

function hash(words: Uint32Array, at: number): number {
  let mixed = Math.imul(words[at]!, 0x9e3779b1) ^ Math.imul(words[at + 3]!, 0x85ebca6b);
  mixed ^= Math.imul(words[at + 1]!, 0xc2b2ae35) ^ Math.imul(words[at + 2]!, 0x27d4eb2f);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
