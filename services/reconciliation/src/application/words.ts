/** Words that a filter names: any of `any` where there are some, and none of `none`. */
export interface Words<Word extends string = string> {
  readonly any: readonly Word[];
  readonly none: readonly Word[];
}

export const noWords: Words<never> = { any: [], none: [] };

/** Those of a closed set that are meant. */
export function meant<Word extends string>(
  { any, none }: Words<Word>,
  all: readonly Word[],
): readonly Word[] {
  return all.filter((word) => (any.length === 0 || any.includes(word)) && !none.includes(word));
}
