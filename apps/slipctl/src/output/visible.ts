/** What slipctl itself sends a terminal, in the answer of `status`. */
const styles = ['31', '33', '39'].map((code) => `\u001b[${code}m`);

/** Control characters, and those that turn the direction of writing around. */
const hidden = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Anybody's text may be in an answer: the key of a record, what a provider said. Shown as it is it could clear the screen,
 * rename the window or say the opposite of what it is; so what cannot be seen is shown by its code, which JSON takes for the same.
 */
export function visible(text: string): string {
  return text.replaceAll(hidden, (character, at: number) => {
    const isOurs =
      character === '\n' || character === '\t' || styles.some((style) => text.startsWith(style, at));
    return isOurs ? character : codeOf(character);
  });
}

/** The same of a text that stands on one line, whatever it has: it can begin none of its own. */
export function visibleLine(text: string): string {
  return text.replaceAll(hidden, codeOf);
}

const codeOf = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
