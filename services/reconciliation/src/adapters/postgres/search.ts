import type { Place } from '../../application/newest-first.ts';
import type { Words } from '../../application/words.ts';

/** Rows that a page looks at where no index has what is asked for alone. */
const examinedMax = 5_000;

/**
 * The conditions of what is asked for, and of nothing else: a statement that provides for every filter at once has a plan that serves none of
 * them, and an index over some rows is found by the words of its condition alone.
 */
export class Search {
  readonly parameters: unknown[] = [];
  readonly #conditions: string[] = [];
  readonly #judged: string[] = [];

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

  /** Of a filter that no index serves: {@link lookedNewestFirst} judges by it what the other conditions lead to. */
  judge<T>(value: T | null | undefined, condition: (value: T) => string): void {
    if (value !== null && value !== undefined) this.#judged.push(condition(value));
  }

  /** Of words that no index serves; what has no value is none of them. */
  judgeWords<Word extends string>(
    { any, none }: Words<Word>,
    condition: (words: readonly Word[]) => string,
  ): void {
    if (any.length > 0) this.#judged.push(`(${condition(any)})`);
    if (none.length > 0) this.#judged.push(`(${condition(none)}) is not true`);
  }

  /** Of words each of which has an index: one leads to what has it, and by several, or by what is not meant, is judged. */
  whenWord<Word extends string>(words: Words<Word>, condition: (word: Word) => string): void {
    const [word, ...others] = words.any;
    const isOne = word !== undefined && others.length === 0;
    if (isOne) this.where(condition(word));
    const left = isOne ? { ...words, any: [] } : words;
    this.judgeWords(left, (all) => all.map((one) => `(${condition(one)})`).join(' or '));
  }

  /** A parameter that has any of these. */
  anyOf(words: readonly string[]): string {
    return `any(${this.place(words)}::text[])`;
  }

  get conditions(): string {
    return ['true', ...this.#conditions, ...this.#judged].join(' and ');
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

  /**
   * As {@link newestFirst}, with what the statement reads from. A page looks at so many rows at most, and the last of them is given too
   * (`is_edge`): whoever asks for few among many gets what lies among these, and where to go on.
   */
  lookedNewestFirst(
    {
      table,
      alias,
      at,
      id,
    }: { readonly table: string; readonly alias: string; readonly at: string; readonly id: string },
    from: Place | null,
    pageSize: number,
  ): string {
    const [sign, direction] = from?.back ? ['>', 'asc'] : ['<', 'desc'];
    const [time, name] = [`${alias}.${at}`, `${alias}.${id}`];
    this.when(
      from,
      (place) => `(${time}, ${name}) ${sign} (${this.place(place.at)}::timestamptz, ${this.place(place.id)})`,
    );
    const most = this.#judged.length === 0 ? pageSize + 1 : examinedMax;
    const sorted = `order by ${time} ${direction}, ${name} ${direction}`;
    const led = ['true', ...this.#conditions].join(' and ');
    return `from (
  select ${alias}.*, (${['true', ...this.#judged].join(' and ')}) is true as matched, row_number() over (${sorted}) = ${most} as is_edge
  from (select ${alias}.* from ${table} ${alias} where ${led} ${sorted} limit ${most}) as ${alias}
) as ${alias} where ${alias}.matched or ${alias}.is_edge ${sorted} limit ${this.place(pageSize + 1)}`;
  }
}
