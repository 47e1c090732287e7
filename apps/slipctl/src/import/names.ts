export const nameLengthMax = 128;

/** What intake and the gateway take as a name: visible characters, with plain spaces only between them. */
const name = /^[^\p{C}\p{Z}](?:[^\p{C}\p{Z}]| (?! *$))*$/u;

/** What is wrong with a reference, an account, a counterparty, a route, a caller or a clock; null when nothing is. */
export function nameProblem(value: string): string | null {
  if (value === '') return 'is missing';
  if ([...value].length > nameLengthMax) return `has more than ${nameLengthMax} characters`;
  if (value.includes('\uFFFD')) return 'is not valid UTF-8';
  if (name.test(value)) return null;
  return /\p{Cc}/u.test(value)
    ? 'has control characters'
    : 'must consist of visible characters, with spaces only between them';
}
