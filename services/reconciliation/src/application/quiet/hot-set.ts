import { DeadlineHeap, type Slots } from './deadline-heap.ts';
import { idWords } from './slip-ids.ts';

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

/** A slip with more events than these is no quiet one. */
export const offsetsMax = 6;

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
 * The open slips of one partition about which nothing was ever to be decided, in typed arrays: no object and no text per
 * slip. A table of slots by the 128-bit id (open addressing), two heaps of deadlines (those whose hold was answered, and
 * those that wait for it), and the offsets of each slip's events, from which all that is known of it can be read again.
 */
export class HotSet {
  size = 0;
  /** Open and held; and open, but the ledger has not answered. Slips that returned in time are in neither. */
  readonly held = new DeadlineHeap();
  readonly unheld = new DeadlineHeap();
  #capacity: number;
  #words: Uint32Array;
  /** Between deadline and due. */
  #graceMs: Uint32Array;
  #amount: Float64Array;
  /** Where it stands in `#currencies`. */
  #currency: Uint16Array;
  readonly #currencies: number[] = [];
  readonly #currencyPlaces = new Map<number, number>();
  #flags: Uint8Array;
  #counts: Uint8Array;
  /** Their low 32 bits: open slips lie within 2^32 records of each other. */
  #offsets: Uint32Array;
  /** Which route and provider (`Ways`); and when it was dispatched: the low 32 bits of milliseconds, 0: it was not. */
  #ways: Uint16Array;
  #dispatched: Uint32Array;
  /** Which limits its stages have (`StagePolicies`), and when its present one began: the low 32 bits of milliseconds. */
  #stages: Uint8Array;
  #since: Uint32Array;
  #slots: Slots;
  #table: Int32Array;
  /** Slots used so far, and the first of those that are free again; the next is in `place`. */
  #used = 0;
  #free = none;

  constructor(capacity = 256) {
    this.#capacity = capacity;
    this.#words = new Uint32Array(capacity * idWords);
    this.#graceMs = new Uint32Array(capacity);
    this.#amount = new Float64Array(capacity);
    this.#currency = new Uint16Array(capacity);
    this.#flags = new Uint8Array(capacity);
    this.#counts = new Uint8Array(capacity);
    this.#offsets = new Uint32Array(capacity * offsetsMax);
    this.#ways = new Uint16Array(capacity);
    this.#dispatched = new Uint32Array(capacity);
    this.#stages = new Uint8Array(capacity);
    this.#since = new Uint32Array(capacity);
    this.#slots = { due: new Float64Array(capacity), place: new Int32Array(capacity).fill(none) };
    this.#table = tableFor(capacity);
  }

  /** What all this takes, in bytes. */
  get bytes(): number {
    return this.#capacity * bytesPerSlot + this.held.bytes + this.unheld.bytes + this.#table.byteLength;
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
    const words = this.#words;
    const mask = this.#table.length - 1;
    for (let at = hash(id, 0) & mask; ; at = (at + 1) & mask) {
      const slot = this.#table[at]!;
      if (slot === none) return none;
      const o = slot * idWords;
      if (words[o + 3] === id[3] && words[o + 2] === id[2] && words[o + 1] === id[1] && words[o] === id[0])
        return slot;
    }
  }

  /** The id must not be there. */
  add(id: Uint32Array, slip: HotSlip): number {
    if (this.#free === none && this.#used === this.#capacity) this.#grow();
    const slot = this.#free === none ? this.#used++ : this.#free;
    const { due, place } = this.#slots;
    if (slot === this.#free) this.#free = place[slot]!;
    this.#words.set(id, slot * idWords);
    this.#graceMs[slot] = (slip.due - slip.deadline) / microsPerMs;
    due[slot] = slip.due;
    this.#amount[slot] = slip.amount;
    this.#currency[slot] = this.#placeOf(slip.currency);
    this.#flags[slot] = slip.flags;
    this.#counts[slot] = 0;
    this.#ways[slot] = 0;
    this.#dispatched[slot] = 0;
    this.#stages[slot] = 0;
    place[slot] = none;
    this.#insert(slot);
    if ((slip.flags & isInTime) === 0) this.#heapOf(slot).add(slot, this.#slots);
    this.size += 1;
    return slot;
  }

  remove(slot: number): void {
    this.#untime(slot);
    this.#forget(slot);
    this.#slots.place[slot] = this.#free;
    this.#free = slot;
    this.#counts[slot] = freed;
    this.size -= 1;
  }

  get(slot: number): HotSlip {
    return {
      ...{ deadline: this.deadline(slot), due: this.#slots.due[slot]!, flags: this.#flags[slot]! },
      ...{ amount: this.#amount[slot]!, currency: this.currency(slot) },
    };
  }

  deadline(slot: number): number {
    return this.#slots.due[slot]! - this.#graceMs[slot]! * microsPerMs;
  }

  due(slot: number): number {
    return this.#slots.due[slot]!;
  }

  has(slot: number, flag: number): boolean {
    return (this.#flags[slot]! & flag) !== 0;
  }

  isAmount(slot: number, amount: number, currency: number): boolean {
    return this.#amount[slot] === amount && this.currency(slot) === currency;
  }

  hasAmount(slot: number): boolean {
    return this.#amount[slot]! >= 0;
  }

  /** Copies the id of a slot. */
  id(slot: number, into: Uint32Array, at = 0): void {
    into.set(this.#words.subarray(slot * idWords, (slot + 1) * idWords), at);
  }

  amount(slot: number): number {
    return this.#amount[slot]!;
  }

  currency(slot: number): number {
    return this.#currencies[this.#currency[slot]!]!;
  }

  way(slot: number): number {
    return this.#ways[slot]!;
  }

  /** As it is kept; 0: it was not dispatched, or provably did not leave. */
  dispatched(slot: number): number {
    return this.#dispatched[slot]!;
  }

  /** When it was dispatched, in milliseconds since 1970: less than 24 days before `now`, or after it. */
  dispatchedAt(slot: number, now: number): number {
    return near(this.#dispatched[slot]!, now);
  }

  setWay(slot: number, way: number, dispatched: number): void {
    this.#ways[slot] = way;
    this.#dispatched[slot] = dispatched;
  }

  /** The number of its stages' limits; 0: they have none. */
  stages(slot: number): number {
    return this.#stages[slot]!;
  }

  /** When its present stage began, in milliseconds as it is kept. */
  since(slot: number): number {
    return this.#since[slot]!;
  }

  /** When its present stage began, in milliseconds since 1970: less than 24 days before `now`, or after it. */
  sinceAt(slot: number, now: number): number {
    return near(this.#since[slot]!, now);
  }

  limitStages(slot: number, stages: number, since: number): void {
    this.#stages[slot] = stages;
    this.#since[slot] = since % wrap;
  }

  /** Its next stage begins: `flag` tells which. */
  enter(slot: number, flag: number, since: number): void {
    this.#flags[slot] = (this.#flags[slot]! | flag) & ~(isWarned | isLate);
    this.#since[slot] = since % wrap;
  }

  mark(slot: number, flag: number): void {
    this.#flags[slot] = this.#flags[slot]! | flag;
  }

  /** Whether one more event can be noted. */
  hasRoom(slot: number): boolean {
    return this.#counts[slot]! < offsetsMax;
  }

  note(slot: number, offset: number): void {
    this.#offsets[slot * offsetsMax + this.#counts[slot]!] = offset % wrap;
    this.#counts[slot] = this.#counts[slot]! + 1;
  }

  /** The offsets of the slip's events, all of them below `before`. */
  offsets(slot: number, before: number): number[] {
    const low = this.#offsets.subarray(slot * offsetsMax, slot * offsetsMax + this.#counts[slot]!);
    return Array.from(low, (one) => before - distance(one, before));
  }

  /** The ledger has answered: the slip waits for its deadline alone. */
  hold(slot: number): void {
    if (this.has(slot, isHeld)) return;
    const isTimed = !this.has(slot, isInTime);
    if (isTimed) this.unheld.remove(slot, this.#slots);
    this.#flags[slot] = this.#flags[slot]! | isHeld;
    if (isTimed) this.held.add(slot, this.#slots);
  }

  /** It has returned in time: no deadline is waited for. */
  returnInTime(slot: number): void {
    this.#untime(slot);
    this.#flags[slot] = this.#flags[slot]! | isInTime;
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
    return distance(this.#offsets[slot * offsetsMax + this.#counts[slot]! - 1]!, before);
  }

  /** Tells of every slot that is in use. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#counts[slot] !== freed) yield slot;
  }

  /** The slots due at or before `time` in a heap, at most so many, the earliest first. */
  dueIn(heap: DeadlineHeap, time: number, slotsMax: number): number[] {
    const found: number[] = [];
    while (found.length < slotsMax && heap.first !== none && this.due(heap.first) <= time) {
      const { first } = heap;
      found.push(first);
      heap.remove(first, this.#slots);
    }
    for (const slot of found) heap.add(slot, this.#slots);
    return found;
  }

  /** Three letters make fewer currencies than 2^16. */
  #placeOf(currency: number): number {
    let place = this.#currencyPlaces.get(currency);
    if (place === undefined) {
      place = this.#currencies.push(currency) - 1;
      this.#currencyPlaces.set(currency, place);
    }
    return place;
  }

  #heapOf(slot: number): DeadlineHeap {
    return this.has(slot, isHeld) ? this.held : this.unheld;
  }

  #untime(slot: number): void {
    if (this.#slots.place[slot] !== none && !this.has(slot, isInTime))
      this.#heapOf(slot).remove(slot, this.#slots);
  }

  #insert(slot: number): void {
    const mask = this.#table.length - 1;
    let at = hash(this.#words, slot * idWords) & mask;
    while (this.#table[at] !== none) at = (at + 1) & mask;
    this.#table[at] = slot;
  }

  /** Takes a slot out of the table, and moves those behind it up, so that every search goes on to find its own. */
  #forget(slot: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = hash(this.#words, slot * idWords) & mask;
    while (table[hole] !== slot) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; table[at] !== none; at = (at + 1) & mask) {
      const home = hash(this.#words, table[at]! * idWords) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      table[hole] = table[at]!;
      hole = at;
    }
    table[hole] = none;
  }

  #grow(): void {
    // By an eighth: doubling would leave half of a large set empty.
    const capacity = Math.ceil(this.#capacity * growth);
    this.#words = grown(this.#words, capacity * idWords);
    this.#graceMs = grown(this.#graceMs, capacity);
    this.#amount = grown(this.#amount, capacity);
    this.#currency = grown(this.#currency, capacity);
    this.#flags = grown(this.#flags, capacity);
    this.#counts = grown(this.#counts, capacity);
    this.#offsets = grown(this.#offsets, capacity * offsetsMax);
    this.#ways = grown(this.#ways, capacity);
    this.#dispatched = grown(this.#dispatched, capacity);
    this.#stages = grown(this.#stages, capacity);
    this.#since = grown(this.#since, capacity);
    this.#slots = { due: grown(this.#slots.due, capacity), place: grown(this.#slots.place, capacity) };
    this.#capacity = capacity;
    if (this.#table.length >= capacity * tableRoom) return;
    this.#table = tableFor(capacity);
    for (const slot of this.slots()) this.#insert(slot);
  }
}

/** Of the arrays above, without heaps and table. */
const bytesPerSlot = idWords * 4 + 4 + 8 + 2 + 1 + 1 + offsetsMax * 4 + 2 + 4 + 1 + 4 + 8 + 4;
const microsPerMs = 1_000;
/** How much larger arrays are made: a slip takes at most so many times what it needs. */
export const growth = 1.125;
/** Instead of a number of events: the slot is free. */
const freed = 255;
const wrap = 2 ** 32;
/** Places in the table for each slot, at least. */
const tableRoom = 1.5;

/** How far an offset, of which the low 32 bits are known, lies below `before`. */
function distance(low: number, before: number): number {
  return ((before % wrap) - low + wrap) % wrap || wrap;
}

function near(low: number, now: number): number {
  const age = distance(low, now) % wrap;
  return age < wrap / 2 ? now - age : now - age + wrap;
}

function tableFor(capacity: number): Int32Array {
  let length = 64;
  while (length < capacity * tableRoom) length *= 2;
  return new Int32Array(length).fill(none);
}

function grown<A extends Uint32Array | Uint16Array | Float64Array | Uint8Array | Int32Array>(
  old: A,
  length: number,
): A {
  const larger = new (old.constructor as new (length: number) => A)(length);
  larger.set(old);
  return larger;
}

function hash(words: Uint32Array, at: number): number {
  let mixed = Math.imul(words[at]!, 0x9e3779b1) ^ Math.imul(words[at + 3]!, 0x85ebca6b);
  mixed ^= Math.imul(words[at + 1]!, 0xc2b2ae35) ^ Math.imul(words[at + 2]!, 0x27d4eb2f);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
