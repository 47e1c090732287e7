// How long what comes from outside may be, and what counts as a name: the only place that says so.

/** A name, in characters: a reference, an account, a counterparty, a route, a caller or a clock. */
export const nameLengthMax = 128;

/** The name of the clock that shows what happens now. An import has a clock of its own, under another name. */
export const wallClock = 'wall';

/** Text that a provider or a reporter chose (its ids, reasons, steps), in UTF-16 units: it must fit into an event. */
export const foreignTextLengthMax = 256;

/** What may be looked for, or stored under an index, in UTF-16 units: any name fits, and any index takes it. */
export const keyLengthMax = 512;

/**
 * Names are compared and shown to people, so what cannot be seen is refused: control, format (zero-width, direction),
 * unassigned and private characters, line separators, fillers, the blank of Braille, and spaces other than U+0020 within. What chooses
 * the variant of a character (as emoji have it) may follow one.
 */
const name = /^[^\p{C}\p{Z}\p{DI}\u2800](?:[^\p{C}\p{Z}\u2800[\p{DI}--\p{VS}]]| (?! *$))*$/v;

/** Most names are: nothing can be wrong with them. */
const plainName = /^[!-~]{1,128}$/;

/** What is wrong with a name, as a text that fits behind its field; null when nothing is. Nothing is coerced. */
export function nameProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (plainName.test(value)) return null;
  if (value === '') return 'must not be empty';
  // Counting code points is slow; a text with more than twice as many units has too many in any case.
  if (value.length > 2 * nameLengthMax || [...value].length > nameLengthMax) {
    return `must have at most ${nameLengthMax} characters`;
  }
  if (!name.test(value)) {
    return 'must consist of visible characters, with spaces only between them and no control characters';
  }
  // An é of one character and one of two look alike: they would be two accounts.
  return value === value.normalize('NFC') ? null : 'must be in Unicode normalization form C';
}

/** What is wrong with a text that a provider or a reporter chose; null when nothing is. */
export function foreignTextProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (value.length > foreignTextLengthMax) return `has more than ${foreignTextLengthMax} characters`;
  // Neither can be stored as text.
  return value.includes('\0') || !value.isWellFormed() ? 'is no text' : null;
}
