import { placeWord, roomFor, slotWords } from './slip-record.ts';

const none = -1;

/** Children of a place: so many times lie in one line of the processor's cache, or two. */
const arityBits = 2;
const arity = 1 << arityBits;

/**
 * Slots by when they are due, the earliest first: an indexed heap, so that any slot leaves at once. The times stand in the heap
 * itself, so that of very many slips only those are touched that move. `records`: of all slips, each is in at most one heap.
 */
export class DeadlineHeap {
  #slots = new Int32Array(64);
  #due = new Float64Array(64);
  size = 0;

  /** The earliest, or -1. */
  get first(): number {
    return this.size === 0 ? none : this.#slots[0]!;
  }

  get bytes(): number {
    return this.#slots.byteLength + this.#due.byteLength;
  }

  add(slot: number, due: number, records: Uint32Array): void {
    if (this.size === this.#slots.length) this.#grow();
    this.#settle(slot, due, this.size++, records);
  }

  remove(slot: number, records: Uint32Array): void {
    const at = records[slot * slotWords + placeWord]!;
    records[slot * slotWords + placeWord] = none;
    const last = this.#slots[--this.size]!;
    if (last !== slot) this.#settle(last, this.#due[this.size]!, at, records);
  }

  #settle(slot: number, time: number, from: number, records: Uint32Array): void {
    const slots = this.#slots;
    const due = this.#due;
    let at = from;
    for (let parent = parentOf(at); at > 0 && due[parent]! > time; parent = parentOf(at)) {
      this.#move(parent, at, records);
      at = parent;
    }
    if (at === from) {
      for (let child = this.#earliestChild(at); child !== none; child = this.#earliestChild(at)) {
        if (due[child]! >= time) break;
        this.#move(child, at, records);
        at = child;
      }
    }
    slots[at] = slot;
    due[at] = time;
    records[slot * slotWords + placeWord] = at;
  }

  #move(from: number, to: number, records: Uint32Array): void {
    const slot = this.#slots[from]!;
    this.#slots[to] = slot;
    this.#due[to] = this.#due[from]!;
    records[slot * slotWords + placeWord] = to;
  }

  #earliestChild(at: number): number {
    const due = this.#due;
    const first = arity * at + 1;
    if (first >= this.size) return none;
    let earliest = first;
    const end = Math.min(first + arity, this.size);
    for (let child = first + 1; child < end; child++) if (due[child]! < due[earliest]!) earliest = child;
    return earliest;
  }

  #grow(): void {
    const length = roomFor(this.size + 1);
    const [slots, due] = [new Int32Array(length), new Float64Array(length)];
    slots.set(this.#slots);
    due.set(this.#due);
    this.#slots = slots;
    this.#due = due;
  }
}

function parentOf(at: number): number {
  return (at - 1) >> arityBits;
}
