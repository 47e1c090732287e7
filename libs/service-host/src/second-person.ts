import { checkObject } from './validation.ts';

/** Of a reason or a note, in characters. */
const wordsLengthMax = 500;

/** What is wrong with a text that somebody writes; for `checkObject`. */
export function textProblem(lengthMax: number): (value: unknown) => string | null {
  return (value) => {
    const fits = typeof value === 'string' && value.trim() !== '' && value.length <= lengthMax;
    if (!fits) return `must be a text of 1 to ${lengthMax} characters`;
    return value.includes('\0') || !value.isWellFormed()
      ? 'must not have U+0000 or half a surrogate pair in it'
      : null;
  };
}

/** Of a reason or a note: why somebody does something by hand. */
export const wordsProblem = textProblem(wordsLengthMax);

/** The same, as it is described. */
export const describedWords = { type: 'string' as const, minLength: 1, maxLength: wordsLengthMax };

/** The body with which a second person approves or declines what another has proposed. */
export const describedNote = {
  ...{ type: 'object' as const, required: ['note'], properties: { note: describedWords } },
  example: { note: 'the provider confirmed it by phone' },
};

/** @throws SlipstreamError validation_failed, malformed_request */
export function readNote(body: unknown): string {
  return checkObject<{ note: string }>(body, { note: wordsProblem }).note;
}
