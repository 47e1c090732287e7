import {
  emptyTrack,
  type Mark,
  type Marks,
  noteMark,
  type Owner,
  readTo,
  type Track,
} from '../../domain/deadline/marks.ts';

/** Keeps every track of watermarks in memory: filled from the ticks, read by the detector. */
export class MarkStore implements Marks {
  readonly #clocks = new Map<string, Map<string, Track>>();

  note(owner: Owner, clock: string, partition: number, mark: Mark): void {
    const tracks = this.#clocks.get(clock) ?? new Map<string, Track>();
    this.#clocks.set(clock, tracks);
    const name = `${owner} ${partition}`;
    tracks.set(name, noteMark(tracks.get(name) ?? emptyTrack, mark));
  }

  reached(owner: Owner, clock: string, partition: number, nextOffset: number): Mark | null {
    const tracks = this.#clocks.get(clock);
    const name = `${owner} ${partition}`;
    const track = tracks?.get(name);
    if (!tracks || !track) return null;
    const moved = readTo(track, nextOffset);
    if (moved !== track) tracks.set(name, moved);
    return moved.reached;
  }

  clocks(): Iterable<string> {
    return this.#clocks.keys();
  }

  /** A clock that has ended costs nothing any more. */
  forget(clock: string): void {
    this.#clocks.delete(clock);
  }
}
