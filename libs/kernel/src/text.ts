/** The text as PostgreSQL can hold it, which has neither NUL nor half a surrogate pair: U+FFFD stands in their place. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
