const none = -1;

/** What the heaps of one set share: each slot is in at most one of them. */
export interface Slots {
  /** By slot: when it is due. */
  readonly due: Float64Array;
  /** By slot: its place in the heap it is in, or -1. */
  readonly place: Int32Array;
}

/** Slots by when they are due, the earliest first: an indexed binary heap, so that any slot leaves at once. */
export class DeadlineHeap {
  #heap = new Int32Array(64);
  size = 0;

  /** The earliest, or -1. */
  get first(): number {
    return this.size === 0 ? none : this.#heap[0]!;
  }

  get bytes(): number {
    return this.#heap.byteLength;
  }

  add(slot: number, slots: Slots): void {
    if (this.size === this.#heap.length) this.#grow();
    this.#settle(slot, this.size++, slots);
  }

  remove(slot: number, slots: Slots): void {
    const at = slots.place[slot]!;
    slots.place[slot] = none;
    const last = this.#heap[--this.size]!;
    if (last !== slot) this.#settle(last, at, slots);
  }

  #settle(slot: number, from: number, { due, place }: Slots): void {
    const heap = this.#heap;
    const time = due[slot]!;
    let at = from;
    for (let parent = (at - 1) >> 1; at > 0 && due[heap[parent]!]! > time; parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!;
      place[heap[at]!] = at;
      at = parent;
    }
    if (at === from) {
      for (let child = 2 * at + 1; child < this.size; child = 2 * at + 1) {
        if (child + 1 < this.size && due[heap[child + 1]!]! < due[heap[child]!]!) child++;
        if (due[heap[child]!]! >= time) break;
        heap[at] = heap[child]!;
        place[heap[at]!] = at;
        at = child;
      }
    }
    heap[at] = slot;
    place[slot] = at;
  }

  #grow(): void {
    const larger = new Int32Array(this.#heap.length * 2);
    larger.set(this.#heap);
    this.#heap = larger;
  }
}
