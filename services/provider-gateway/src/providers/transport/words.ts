import type { Words } from '../../application/ports.ts';

export type Meaning = keyof Words;

/** What a word of a protocol means; null: it does not declare it. */
export function meaningOf(words: Words, word: string): Meaning | null {
  const meanings = Object.keys(words) as Meaning[];
  return meanings.find((meaning) => words[meaning].includes(word)) ?? null;
}
