/** Whoever writes to a topic chooses the keys that a finding names: what a terminal would obey is shown by its code. */
export function plain(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
