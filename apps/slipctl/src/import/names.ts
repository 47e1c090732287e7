/** What is wrong with the name in a cell of an imported file, by the check of what it names; null when nothing is. */
export function cellNameProblem(
  value: string,
  encoding: string,
  problemOf: (value: string) => string | null,
): string | null {
  if (value === '') return 'is missing';
  // The file was decoded already: this stands where its bytes were none.
  if (value.includes('\uFFFD')) return `is not valid ${encoding === 'utf-8' ? 'UTF-8' : encoding}`;
  return problemOf(value);
}
