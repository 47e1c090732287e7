import { parseDocument, visit } from 'yaml';

/** Is good for an address and for a secret: what a variable holds is no matter of the file that names it. */
export const placeholder = 'http://variable.invalid/';

/** The variables that the values of a rules file name; one in a comment, or behind `$$`, is text. */
export function variablesIn(text: string): string[] {
  const names = new Set<string>();
  visit(parseDocument(text), {
    Scalar(key, { value }) {
      if (key === 'key' || typeof value !== 'string') return;
      for (const [, name] of value.matchAll(/\$\$\{|\$\{([A-Z_][A-Z0-9_]*)\}/g)) if (name) names.add(name);
    },
  });
  return [...names];
}

/** Each of them with the placeholder in place of what it holds. */
export function filledIn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, placeholder]));
}
