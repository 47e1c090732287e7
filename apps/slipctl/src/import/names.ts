import { nameProblem } from '@slipstream/kernel';

/** What is wrong with the name in a cell of an imported file; null when nothing is. */
export function cellNameProblem(value: string, encoding: string): string | null {
  if (value === '') return 'is missing';
  // The file was decoded already: this stands where its bytes were none.
  if (value.includes('\uFFFD')) return `is not valid ${encoding === 'utf-8' ? 'UTF-8' : encoding}`;
  return nameProblem(value);
}
