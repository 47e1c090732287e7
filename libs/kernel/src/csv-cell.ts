/** What a spreadsheet would run as a formula when it opens the file; a negative number is none. */
const formula = /^(?:[=+@\t\r]|-(?!\d+(?:\.\d+)?$))/;

/** A cell of CSV (RFC 4180). Names in it were chosen by others, and a spreadsheet must not run them: such a text is shown behind an apostrophe. */
export function csvCell(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
