/** Is good for an address and for a secret: what a variable holds is no matter of the file that names it. */
export const placeholder = 'http://variable.invalid/';

/** The variables that a rules file names. */
export function variablesIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g)].map(([, name]) => name!))];
}

/** Each of them with the placeholder in place of what it holds. */
export function filledIn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, placeholder]));
}
