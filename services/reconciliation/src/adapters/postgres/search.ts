import type { Place } from '../../application/newest-first.ts';

/**
 * The conditions of what is asked for, and of nothing else: a statement that provides for every filter at once has a plan that serves none of
 * them, and an index over some rows is found by the words of its condition alone.
 */
export class Search {
  readonly parameters: unknown[] = [];
  readonly #conditions: string[] = [];

  place(value: unknown): string {
    return `$${this.parameters.push(value)}`;
  }

  where(condition: string): void {
    this.#conditions.push(condition);
  }

  /** Of a filter that may not be given. */
  when<T>(value: T | null | undefined, condition: (value: T) => string): void {
    if (value !== null && value !== undefined) this.where(condition(value));
  }

  get conditions(): string {
    return ['true', ...this.#conditions].join(' and ');
  }

  /** The rest of a statement that gives a page of what its conditions leave: by a time and an id, the newest first. */
  newestFirst(at: string, id: string, from: Place | null, pageSize: number): string {
    const [sign, direction] = from?.back ? ['>', 'asc'] : ['<', 'desc'];
    this.when(
      from,
      (place) => `(${at}, ${id}) ${sign} (${this.place(place.at)}::timestamptz, ${this.place(place.id)})`,
    );
    const limit = this.place(pageSize + 1);
    return `where ${this.conditions} order by ${at} ${direction}, ${id} ${direction} limit ${limit}`;
  }
}
