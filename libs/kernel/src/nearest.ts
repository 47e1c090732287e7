/**
 * The word that was probably meant: the one with the fewest letters missing, too many, wrong or swapped with their neighbour
 * (optimal string alignment distance; Boytsov 2011, "Indexing methods for approximate dictionary searching"), capitals aside.
 * @param told as somebody wrote it; a long text is like nothing
 * @param words what there is; of equally near ones the first
 * @returns null where two fifths of the letters or more would have to change
 */
export function nearest(told: string, words: Iterable<string>): string | null {
  const from = told.toLowerCase();
  let found: { readonly word: string; readonly distance: number } | null = null;
  for (const word of words) {
    const to = word.toLowerCase();
    const length = Math.max(from.length, to.length);
    if (length > lettersMax) continue;
    const distance = distanceOf(from, to);
    if (distance < length * shareMax && distance < (found?.distance ?? length)) found = { word, distance };
  }
  return found?.word ?? null;
}

/** Names are shorter; the work grows with the square of it. */
const lettersMax = 100;
const shareMax = 0.4;

function distanceOf(from: string, to: string): number {
  let [beforeLast, last] = [[] as number[], Array.from({ length: to.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      const least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row.push(isSwap ? Math.min(least, beforeLast[j - 2]! + 1) : least);
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length]!;
}
